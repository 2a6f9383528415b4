"""Files, pipes and sockets that are the same under two names, with races."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from access_shapes import Case, reads

FILES = """
import codecs, ctypes, dbm.dumb, functools, io, mmap, os, pathlib, shelve, shutil, socket
import sqlite3, tempfile
libc = ctypes.CDLL(None)
home = tempfile.mkdtemp(prefix="frontrun-case-")
a, b, new = (os.path.join(home, name) for name in ("a", "b", "new"))
def fresh():
    os.chdir("/")
    for name in os.listdir(home):
        path = os.path.join(home, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    put(a, "0")
    put(b, "b")
def put(path, text, mode="w"):
    with open(path, mode) as file:
        file.write(text)
def get(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError as error:
        return type(error).__name__
def attempt(f):
    try:
        return f()
    except (BlockingIOError, OSError) as error:
        return type(error).__name__
def pair():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    c = socket.create_connection(s.getsockname())
    with s:
        other = s.accept()[0]
    other.setblocking(False)
    return c, other
"""


def of_files(name: str, read: str, write: str, init: str = "pass") -> Case:
    """One thread reads twice what the other changes once."""
    return reads(name, f"fresh()\n{init}", read, write, FILES)


FILE_CASES: list[Case] = [
    of_files("a file, in one go", "get(a)", "put(a, '1')"),
    of_files("a file by two hard links", "get(new)", "put(a, '1')", "os.link(a, new)"),
    of_files("a file by a symbolic link", "get(new)", "put(a, '1')", "os.symlink(a, new)"),
    of_files("another symbolic link", "get(new)",
             "os.symlink(b, new + '2'); os.replace(new + '2', new)", "os.symlink(a, new)"),
    of_files("a file by a relative path", "get('a')", "put(a, '1')", "os.chdir(home)"),
    of_files("a file by a way back", "get(home + '/../' + os.path.basename(home) + '/a')",
             "put(a, '1')"),
    of_files("another current directory", "get('a')", "os.chdir(home)"),
    of_files("a file in place of another", "get(a)", "os.replace(b, a)"),
    of_files("a directory that is renamed", "get(new + '/x')", "os.rename(new, b + '2')",
             "os.mkdir(new); put(new + '/x', '0')"),
    of_files("a directory that is made", "os.path.isdir(new)", "os.makedirs(new)"),
    of_files("a file in a directory that is made", "os.path.exists(new + '/x')",
             "os.mkdir(new); put(new + '/x', '1')"),
    of_files("a listing", "sorted(os.listdir(home))", "put(new, '')"),
    of_files("a listing by scandir", "sorted(e.name for e in os.scandir(home))", "os.unlink(b)"),
    of_files("a listing by pathlib", "sorted(pathlib.Path(home).iterdir())", "os.mkdir(new)"),
    Case("a walk", "fresh(); os.mkdir(new)",
         "s.w = os.walk(home)\nnext(s.w)\ns.y = os.listdir(new)\ns.x = next(s.w)[2]",
         "put(new + '/x', '')", "s.x == s.y", FILES),
    of_files("the size", "os.path.getsize(a)", "put(a, '123')"),
    of_files("the number of links", "os.stat(a).st_nlink", "os.link(a, new)"),
    of_files("permissions", "os.stat(a).st_mode", "os.chmod(a, 0o600)"),
    of_files("a link or not", "os.path.islink(new)", "os.symlink(a, new)"),
    of_files("where a link leads", "os.path.realpath(new)",
             "os.unlink(new); os.symlink(b, new)", "os.symlink(a, new)"),
    of_files("by keyword", "get(a)", "open(mode='w', file=a).close()"),
    of_files("by partial", "get(a)", "functools.partial(open, a, mode='w')().close()"),
    of_files("by a callback", "get(a)", "list(map(os.unlink, [a]))"),
    of_files("asked by a callback", "list(map(os.path.exists, [a]))", "os.unlink(a)"),
    of_files("a list of lines", "list(open(a))", "put(a, '1')"),
    of_files("by an opener", "get(a)",
             "open(b, opener=lambda p, f: os.open(a, f | os.O_TRUNC)).close()"),
    of_files("by FileIO", "get(a)", "io.FileIO(a, 'w').close()"),
    of_files("by a directory's descriptor", "get(a)", "os.unlink('a', dir_fd=s.fd)",
             "s.fd = os.open(home, os.O_RDONLY)"),
    of_files("by /proc/self/fd", "get('/proc/self/fd/%d' % s.f.fileno())", "put(a, '1')",
             "s.f = open(a)"),
    of_files("by /dev/fd", "get('/dev/fd/%d' % s.f.fileno())", "put(a, '1')", "s.f = open(a)"),
    of_files("an mmap", "get(a)", "s.m[0:1] = b'1'",
             "s.f = open(a, 'r+b'); s.m = mmap.mmap(s.f.fileno(), 1)"),
    of_files("a view of an mmap", "get(a)", "memoryview(s.m)[0] = 49",
             "s.f = open(a, 'r+b'); s.m = mmap.mmap(s.f.fileno(), 1)"),
    of_files("sqlite3", "attempt(lambda: os.path.getsize(new) > 0)",
             "c = sqlite3.connect(new); c.execute('create table t(x)'); c.close()"),
    of_files("dbm", "os.path.exists(new + '.dir')", "dbm.dumb.open(new, 'c').close()"),
    Case("shelve", "fresh()\ns.d = shelve.Shelf(dbm.dumb.open(new, 'c')); s.d['n'] = 0; s.d.sync()",
         "s.d['n'] = s.d['n'] + 1", "s.d['n'] = s.d['n'] + 1", "s.d['n'] == 2", FILES),
    of_files("codecs", "get(a)", "codecs.open(a, 'w').close()"),
    of_files("a foreign function", "get(a)", "libc.unlink(a.encode())"),
    of_files("a temporary file in turn", "get(a)", "s.f.write('1'); s.f.flush()",
             "s.f = tempfile.NamedTemporaryFile('w', dir=home)\n"
             "os.unlink(a); os.link(s.f.name, a)"),
    of_files("shutil", "get(a)", "shutil.copy(b, a)"),
    of_files("a temporary file", "len(os.listdir(home))", "tempfile.mkstemp(dir=home)"),
    of_files("a descriptor of two", "os.lseek(s.fd, 0, os.SEEK_CUR)", "os.read(s.fd, 1)",
             "put(a, '012'); s.fd = os.open(a, os.O_RDONLY)"),
    of_files("a duplicate", "os.lseek(s.fd, 0, os.SEEK_CUR)", "os.read(s.other, 1)",
             "s.fd = os.open(a, os.O_RDONLY); s.other = os.dup(s.fd)"),
    of_files("a file object over a duplicate", "s.f.tell()", "os.read(s.other, 1)",
             "s.f = open(a, 'rb', buffering=0); s.other = os.dup(s.f.fileno())"),
    of_files("two file objects of one descriptor", "s.f.tell()", "s.g.read(1)",
             "s.f = open(a, 'rb', buffering=0)\n"
             "s.g = open(os.dup(s.f.fileno()), 'rb', buffering=0)"),
    of_files("a pipe's other end", "attempt(lambda: os.read(s.r, 1))", "os.write(s.w, b'xx')",
             "s.r, s.w = os.pipe(); os.set_blocking(s.r, False)"),
    of_files("a pipe that is closed", "attempt(lambda: os.read(s.r, 1))", "os.close(s.w)",
             "s.r, s.w = os.pipe(); os.set_blocking(s.r, False)"),
    of_files("a pair of sockets", "attempt(lambda: s.a.recv(1))", "s.b.send(b'xx')",
             "s.a, s.b = socket.socketpair(); s.a.setblocking(False)"),
    of_files("a connection", "attempt(lambda: s.b.recv(1))", "s.a.send(b'xx')",
             "s.a, s.b = pair()"),
    of_files("a connection by its descriptor", "attempt(lambda: s.b.recv(1))",
             "os.write(s.a.fileno(), b'xx')", "s.a, s.b = pair()"),
    # Who is let in once is there no more.
    Case("who connects and who listens",
         "s.l = socket.socket(); s.l.bind(('', 0)); s.l.listen(); s.l.setblocking(False)\n"
         "s.c = socket.socket()",
         "s.x = attempt(lambda: bool(s.l.accept())); s.y = attempt(lambda: bool(s.l.accept()))",
         "s.c.connect(s.l.getsockname())", "s.y is not True", FILES),
    of_files("datagrams", "attempt(lambda: s.l.recv(1))",
             "for _ in range(2):\n    s.c.sendto(b'x', s.l.getsockname())",
             "s.l = socket.socket(type=socket.SOCK_DGRAM); s.l.bind(('127.0.0.1', 0))\n"
             "s.l.setblocking(False); s.c = socket.socket(type=socket.SOCK_DGRAM)"),
]
