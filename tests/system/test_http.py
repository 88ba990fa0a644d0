# SPDX-License-Identifier: BSD-2-Clause
"""The web server under clients of every kind: real ones, many, slow, hostile."""

import os
import re
import resource
import socket
import subprocess
import time

import pytest
from harness import HANG_SECONDS, wait_for
from harness.machine import ARCH
from harness.net import GUEST4, STATIC
from harness.qemu import ROOT, image, qemu_program
from harness.rss import process_rss
from harness.service import CACHE, HTTP, connected, free_port, served

PAGE = (ROOT / "apps/httpd/www/index.html").read_bytes()
TCP_REPAIR = 19  # of Linux: a socket that sends nothing when it is closed
GET = b"GET / HTTP/1.1\r\n\r\n"


def run(*command, **options):
    """What a program of the host prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=HANG_SECONDS, **options).stdout


def metric(port, name):
    """One of the guest's figures."""
    text = run("curl", "-sS", f"http://127.0.0.1:{port}/metrics")
    return int(re.search(rf"^{name} (\d+)$", text, re.MULTILINE).group(1))


def test_curl(boot):
    """Pages, heads, what the client has already, what there is not."""
    _, (port,) = served(boot, HTTP)
    url = f"http://127.0.0.1:{port}"
    assert run("curl", "-sS", url, url + "/index.html").encode() == 2 * PAGE
    assert len(PAGE) == 612  # as long as nginx's own page, beside which the bench puts it
    head = run("curl", "-sSI", url)
    assert f"Content-Length: {len(PAGE)}" in head
    tag = re.search(r'ETag: ("\w+")', head).group(1)
    status = ("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_download}")
    assert run(*status, "-H", f"If-None-Match: {tag}", url) == "304 0"
    assert run(*status, "-H", 'If-None-Match: "other"', url) == f"200 {len(PAGE)}"
    assert run(*status, url + "/none").startswith("404")
    assert run(*status, "-d", "x=1", url).startswith("413")
    assert run(*status, "-X", "DELETE", url).startswith("405")
    assert run(*status, url + "/" + "x" * 3000).startswith("414")
    assert run(*status, "-H", "X: " + "x" * 5000, url).startswith("431")
    assert run(*status, "--http1.0", url) == f"200 {len(PAGE)}"


def test_alone(boot):
    """The web server as the guest's only application, on the port that it is told."""
    guest, (port,) = served(boot, 8080, app="httpd", append="-- 8080")
    assert run("curl", "-sS", f"http://127.0.0.1:{port}").encode() == PAGE
    assert "httpd: serving port 8080" in guest.serial.text


@pytest.mark.parametrize("cpus", [1, 2])
def test_wrk(boot, network, cpus):
    """Thirty clients at full speed: every answer is good, and what it cost goes back."""
    guest = boot(app="full", append=STATIC, cpus=cpus, **network.tap().attach())
    before = guest.shell.machine("netstat")["memory"]
    said = network.run("wrk", "-t1", "-c30", "-d5s", "--timeout", "30s", f"http://{GUEST4}/")
    assert int(re.search(r"(\d+) requests in", said).group(1)) > 500, said
    assert "Socket errors" not in said and "Non-2xx" not in said, said
    wait_for(lambda: guest.shell.machine("netstat")["memory"] < before + 16384, "the memory of thirty connections")


def test_slow_and_half_open_clients(boot):
    """Who sends no whole request, or does not read, is ended; others are served meanwhile."""
    guest, (port,) = served(boot, HTTP, cpus=2)
    silent, trickling, deaf = (connected(port) for _ in range(3))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    trickling.sendall(b"GET / HT")
    deaf.setblocking(False)
    start, sent = time.monotonic(), 0
    while metric(port, "neap_httpd_timed_out_total") < 3:
        assert time.monotonic() - start < HANG_SECONDS
        try:
            trickling.sendall(b"x")
        except OSError:
            pass
        try:
            while sent < 64 << 20:
                sent += deaf.send(GET * 1000)
        except OSError:
            pass
        time.sleep(1)
    assert time.monotonic() - start > 29
    assert sent < 64 << 20
    assert silent.recv(1) == b""
    assert metric(port, "neap_httpd_connections") == 1
    assert guest.shell.machine("netstat")["memory"] < 1 << 20


def test_garbage(boot):
    """Nonsense of every kind; afterwards the guest is as before."""
    guest, (port,) = served(boot, HTTP, cpus=2)
    before = guest.shell.machine("netstat")["memory"]
    for number in range(200):
        with connected(port) as connection:
            try:
                connection.sendall((b"GET /" if number % 3 == 0 else b"") + os.urandom(number * 200))
                if number % 2:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
    assert run("curl", "-sS", f"http://127.0.0.1:{port}").encode() == PAGE
    wait_for(lambda: guest.shell.machine("netstat")["memory"] < before + 16384, "the memory of bad connections")
    wait_for(lambda: guest.shell.machine("netstat")["receive_held"] == 0, "the memory of what nobody read")


def check_what_can_be_typed(guest, taken):
    """Type what a guest that `make run` started printed, and switch it off."""
    lines = []
    while not any("memcstat" in line for line in lines):
        lines.append(guest.stdout.readline().strip())
        assert lines[-1] or guest.poll() is None, lines
    commands = lines[-3:]
    assert f"run: port {taken} of this machine is taken" in lines[0]
    assert "neap_memory_total_bytes" in run("sh", "-c", commands[0])
    assert run("sh", "-c", commands[1]).split() == ["STORED", "VALUE", "tide", "0", "4", "high", "END"]
    assert "curr_items: 1" in run("sh", "-c", commands[2])


def check_free_returns(guest, size=512):
    """Type `alloc` and `free`: the host's memory goes up by about that many MiB, and down again.

    What served the clients until now goes back meanwhile.
    """
    before = process_rss(guest.pid)

    def type_and_wait(command, what, holds):
        guest.stdin.write(command + "\r")
        guest.stdin.flush()
        wait_for(lambda: holds((process_rss(guest.pid) - before) >> 20), what)

    type_and_wait(f"alloc {size}M", "the host to hold what is in use", lambda more: more >= size * 7 // 8)
    type_and_wait("free", "the host to have it back", lambda more: more < size // 8)


def switch_off(guest):
    """The guest says that all is well, and QEMU's exit code, too."""
    guest.stdin.write("poweroff\r")
    guest.stdin.flush()
    assert guest.wait(HANG_SECONDS) == 0


def test_make_run_serves(tmp_path):
    """What `make run` prints can be typed: curl and memcached's clients, on ports that are free; memory goes back."""
    taken = socket.create_server(("127.0.0.1", free_port()))
    port = taken.getsockname()[1]
    env = {**os.environ, "BOOT": "direct", "FORWARD": f"{port}:{HTTP} {free_port()}:{CACHE}", "TMPDIR": str(tmp_path),
           "QEMU": qemu_program()}
    command = [ROOT / "tools/run", "--arch", ARCH, "--app", "full", "--elf", image("elf", app="full"), "--iso", "none"]
    with taken, subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                 bufsize=1) as guest:
        try:
            check_what_can_be_typed(guest, port)
            check_free_returns(guest)
            switch_off(guest)
        finally:
            guest.kill()
    assert not list(tmp_path.iterdir())


def test_ten_thousand_connections(boot, network):
    """Ten thousand clients beside each other; the next one takes the place of the one that did nothing longest."""
    limit = 10000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < limit + 200:
        pytest.skip(f"{hard} open files allowed, {limit + 200} needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit + 200), hard))
    guest = boot(app="full", append=STATIC, cpus=2, **network.tap().attach())
    before, used = guest.shell.machine("netstat")["memory"], guest.shell.machine("mem")["free"]

    def connect():
        client = network.connect(HTTP)
        assert page_of(client)
        return client

    clients = [connect() for _ in range(limit)]
    assert page_of(connect()) and clients.pop(0).recv(1) == b""
    stack = (guest.shell.machine("netstat")["memory"] - before) / limit
    whole = (used - guest.shell.machine("mem")["free"]) / limit
    print(f"{stack:.0f} bytes of the stack, {whole:.0f} bytes in all for a connection that waits")
    assert 100 < stack < 1500 and whole < 4000
    assert all(page_of(client) for client in clients[::50])
    for client in clients:  # one by one: all ends at once would not fit into the tap device's queue
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        client.close()
    wait_for(lambda: guest.shell.machine("netstat")["memory"] < before + 16384, "the memory of ten thousand connections")


def test_clients_that_vanish(boot, network):
    """Who is gone without a word is found out, long before the limit for those that do nothing."""
    guest = boot(app="full", append=STATIC, **network.tap().attach())
    before = guest.shell.machine("netstat")
    clients = [network.connect(HTTP) for _ in range(50)]
    assert all(page_of(client) for client in clients)
    assert guest.shell.machine("netstat")["tcp_connections"] == before["tcp_connections"] + 50
    for client in clients[1:]:
        client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)  # it ends, and the guest hears nothing of it
        client.close()
    wait_for(lambda: guest.shell.machine("netstat")["tcp_connections"] == before["tcp_connections"] + 1,
             "the end of those that have vanished", interval=1)
    assert page_of(clients[0])


def page_of(client):
    """Ask for the page on a connection; true if it comes."""
    client.sendall(GET)
    got = b""
    while not got.endswith(PAGE):
        part = client.recv(65536)
        if not part:
            return False
        got += part
    return got.startswith(b"HTTP/1.1 200 ")
