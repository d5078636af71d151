# SPDX-License-Identifier: GPL-2.0-or-later
# Devices of qemu-system-x86_64: q35 and what guests attach to it.
CONFIG_Q35=y
CONFIG_ISA_DEBUG=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_RNG=y
