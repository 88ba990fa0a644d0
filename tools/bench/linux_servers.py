# SPDX-License-Identifier: BSD-2-Clause
"""What a Linux reference guest serves with: Debian's nginx, memcached and iperf and the libraries they load.

It becomes a second archive behind the initial ramdisk's first, so that guests that do not serve stay as small as
they are.
"""

import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "apps/httpd/www/index.html"  # of neap's own server: both serve the same bytes
PROGRAMS = ("usr/sbin/nginx", "usr/bin/memcached", "usr/bin/iperf")
LIBRARIES = "lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"
MODULES = ["net/core/failover.ko", "drivers/net/net_failover.ko", "drivers/net/virtio_net.ko", "net/core/pktgen.ko"]
FOLDERS = ("bin", "lib64", "lib", LIBRARIES, "etc", "run", "tmp", "www")
# As a site would tune it: one process a CPU, no log, connections that stay.
NGINX = """user root;
worker_processes auto;
error_log /dev/null crit;
pid /run/nginx.pid;
events { worker_connections 4096; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=100 inactive=1h;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    types { text/html html; }
    server {
        listen 80 backlog=511 reuseport;
        root /www;
        index index.html;
    }
}
"""


def libraries_of(tree, programs):
    """Paths of the shared libraries that these need, with what those need, by the names they are loaded by."""
    found, left = {}, [tree / program for program in programs]
    while left:
        text = subprocess.run(["readelf", "-d", left.pop()], check=True, stdout=subprocess.PIPE, text=True).stdout
        for name in re.findall(r"\(NEEDED\).*\[(.+)\]", text):
            if name not in found:
                found[name] = next(path for folder in (LIBRARIES, f"usr/{LIBRARIES}")
                                   if (path := tree / folder / name).exists())
                left.append(found[name])
    return found


def compile_static(folder, *names):
    """Programs of this folder, which run on both sides of the tap device."""
    made = {}
    for name in names:
        made[name] = folder / name
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-static", "-o", made[name], HERE / f"{name}.c"], check=True)
    return made


def archive(folder, entry, read_module):
    """The archive; entry() makes one file of it, read_module() returns a kernel module."""
    tree = subprocess.run([ROOT / "tools/fetch", "servers"], check=True, stdout=subprocess.PIPE, text=True)
    tree = pathlib.Path(tree.stdout.strip())
    files = {f"bin/{pathlib.Path(program).name}": (tree / program).read_bytes() for program in PROGRAMS}
    files |= {f"{LIBRARIES}/{name}": path.read_bytes() for name, path in libraries_of(tree, PROGRAMS).items()}
    files[f"lib64/{LOADER}"] = (tree / LIBRARIES / LOADER).read_bytes()
    files["bin/packets"] = compile_static(folder, "packets")["packets"].read_bytes()
    files |= {"etc/nginx.conf": NGINX.encode(), "etc/passwd": b"root:x:0:0:root:/:/bin/sh\n",
              "etc/group": b"root:x:0:\n", "www/index.html": PAGE.read_bytes()}
    files |= {f"modules/{pathlib.Path(module).name}": read_module(module) for module in MODULES}
    return b"".join(entry(name, 0o040755) for name in FOLDERS) \
        + b"".join(entry(name, 0o100755, data) for name, data in files.items()) + entry("TRAILER!!!", 0)
