/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_PCI_H_
#define _KESTREL_PCI_H_

struct device;

#if IS_ENABLED(CONFIG_PCI)
int kestrel_pci_register(void);
void kestrel_pci_unregister(void);
bool kestrel_pci_silence(struct device *dev);
void kestrel_pci_unsilence(struct device *dev);
#else
static inline int kestrel_pci_register(void) { return 0; }
static inline void kestrel_pci_unregister(void) { }
static inline bool kestrel_pci_silence(struct device *dev) { return false; }
static inline void kestrel_pci_unsilence(struct device *dev) { }
#endif

#endif /* _KESTREL_PCI_H_ */
