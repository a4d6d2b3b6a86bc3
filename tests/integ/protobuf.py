# SPDX-License-Identifier: BSD-2-Clause
"""protobuf: a reader of messages of which only the numbers of fields are known: https://protobuf.dev/programming-guides/encoding."""
import collections
import struct

from target import expect


def varint(data, at):
    """(the number that begins there, where it ends)"""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, value) of each: a number, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        match key & 7:
            case 0:
                value, at = varint(data, at)
            case 1:
                (value,) = struct.unpack_from("<Q", data, at)
                at += 8
            case 2:
                size, at = varint(data, at)
                expect(at + size <= len(data), "a message ends behind its file")
                value = data[at:at + size]
                at += size
            case wire:
                expect(False, f"field {key >> 3} has wire type {wire}")
        yield key >> 3, value


def message(data):
    """Values by number, each a list."""
    by_number = collections.defaultdict(list)
    for number, value in fields(data):
        by_number[number].append(value)
    return by_number


def packed(data):
    """The numbers of a packed field."""
    numbers, at = [], 0
    while at < len(data):
        number, at = varint(data, at)
        numbers.append(number)
    return numbers
