# SPDX-License-Identifier: GPL-2.0-or-later
# Devices of qemu-system-aarch64: the virt board and what guests attach to it.
CONFIG_ARM_VIRT=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_RNG=y
