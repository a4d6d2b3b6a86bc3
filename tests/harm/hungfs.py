# SPDX-License-Identifier: BSD-2-Clause
"""hungfs: a file system with one file, by FUSE, that some day answers no read any more.

    with HungFile(content) as f:    # f.path; f.hang()
"""
import ctypes
import errno
import os
import struct
import tempfile

import build

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, OPENDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 1, 2, 3, 14, 15, 18, 25, 26, 27, 29, 36, 42
ROOT, FILE = 1, 2
MNT_FORCE, MNT_DETACH = 1, 2
ASYNC_READ = 1    # as libfuse has it: who waits for a page can be killed
KEEP_CACHE = 2    # else who opens it waits for those who read it, and cannot be killed at all
LIBC = ctypes.CDLL(None, use_errno=True)


def attr(node, size):
    """struct fuse_attr (Linux include/uapi/linux/fuse.h, 7.31)"""
    mode = 0o40755 if node == ROOT else 0o100755
    return struct.pack("<6Q10I", node, size, size // 512 + 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class HungFile:
    def __init__(self, content):
        self.content = content

    def __enter__(self):
        try:
            self.fd = os.open("/dev/fuse", os.O_RDWR)
        except OSError as e:
            raise build.Missing(f"/dev/fuse: {e.strerror}") from None
        self.dir = tempfile.mkdtemp()
        if LIBC.mount(b"hungfs", self.dir.encode(), b"fuse", 0, b"fd=%d,rootmode=40000,user_id=0,group_id=0" % self.fd):
            os.close(self.fd)
            os.rmdir(self.dir)
            raise build.Missing(f"mounting FUSE: {os.strerror(ctypes.get_errno())}")
        self.path = self.dir + "/file"
        self.told, tell = os.pipe()
        self.server = os.fork()
        if not self.server:
            os.close(tell)
            try:
                self.serve()
            finally:
                os._exit(0)
        os.close(self.told)
        os.close(self.fd)
        self.tell = tell
        return self

    def __exit__(self, *_):
        os.kill(self.server, 9)    # what waits for an answer gets an error
        os.waitpid(self.server, 0)
        os.close(self.tell)
        LIBC.umount2(self.dir.encode(), MNT_FORCE | MNT_DETACH)
        os.rmdir(self.dir)

    def hang(self):
        os.write(self.tell, b"x")

    def answer(self, op, node, rest):
        """Bytes, or a negative error."""
        if op == INIT:
            return struct.pack("<4I2H2I2H8I", 7, 31, 1 << 17, ASYNC_READ, 8, 8, 1 << 20, 1, 32, 0, *[0] * 8)
        if op == LOOKUP:
            if rest != b"file\0":
                return -errno.ENOENT
            return struct.pack("<4Q2I", FILE, 0, 60, 60, 0, 0) + attr(FILE, len(self.content))
        if op == GETATTR:
            return struct.pack("<Q2I", 60, 0, 0) + attr(node, len(self.content))
        if op in (OPEN, OPENDIR):
            return struct.pack("<Q2I", 1, KEEP_CACHE, 0)
        if op == READ:
            _, offset, size = struct.unpack_from("<2QI", rest)
            return self.content[offset:offset + size]
        return b"" if op in (RELEASE, RELEASEDIR, FLUSH) else -errno.ENOSYS

    def serve(self):
        os.set_blocking(self.told, False)
        hung = False
        while True:
            request = os.read(self.fd, 1 << 21)
            _, op, unique, node = struct.unpack_from("<2I2Q", request)
            if not hung:
                try:
                    hung = bool(os.read(self.told, 1))
                except BlockingIOError:
                    pass
            if op in (FORGET, BATCH_FORGET, INTERRUPT) or (hung and op == READ):
                continue
            data = self.answer(op, node, request[40:])
            error, data = (data, b"") if isinstance(data, int) else (0, data)
            os.write(self.fd, struct.pack("<IiQ", 16 + len(data), error, unique) + data)
