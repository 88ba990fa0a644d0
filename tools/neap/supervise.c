/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a guest's QEMU process. */
#include "supervise.h"
#include "deadline.h"
#include "machine.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define START_MS   30000
#define SESSION_MS 5000
#define RETRY_MS   20

static volatile sig_atomic_t qemu_pid, ending_signal;
static struct termios terminal; /* as QEMU found it */
static bool has_terminal;

/* In the child. Returns only to say by `report` why the program does not run. */
static void exec_qemu(const struct guest *guest, const struct words *words, int lock,
                      int report)
{
    int failed;

    /* A terminal that is gone takes its guest with it; a detached guest stays. */
    if (!guest->detached)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (fcntl(lock, F_SETFD, 0) == 0)
        execvp(words->word[0], words->word);
    failed = errno;
    if (write(report, &failed, sizeof(failed)) < 0)
        _exit(126);
    _exit(127);
}

static int start_qemu(struct guest *guest, const struct words *words, int lock,
                      struct error *error)
{
    int report[2], failed = 0;
    ssize_t got;
    pid_t pid;

    if (pipe2(report, O_CLOEXEC))
        return error_set(error, "no pipe: %s", strerror(errno));
    pid = fork();
    if (pid == 0)
        exec_qemu(guest, words, lock, report[1]);
    close(report[1]);
    do {
        got = pid > 0 ? read(report[0], &failed, sizeof(failed)) : 0;
    } while (got < 0 && errno == EINTR);
    close(report[0]);
    if (pid < 0)
        return error_set(error, "no new process: %s", strerror(errno));
    if (got > 0) {
        waitpid(pid, NULL, 0);
        return error_set(error, "%s: %s: install qemu-system-x86, or give --qemu PROGRAM",
                         words->word[0], strerror(failed));
    }
    guest->pid = pid;
    return 0;
}

/* Has QEMU ended? With `options` 0, wait for it. */
static bool reap(struct guest *guest, int options)
{
    int status;
    pid_t pid;

    do {
        pid = waitpid(guest->pid, &status, options);
    } while (pid < 0 && errno == EINTR);
    if (pid != guest->pid)
        return false;
    guest->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

static int prepare_monitor(const struct guest *guest, struct error *error)
{
    struct qmp qmp;
    int result;

    if (guest_monitor(guest, SESSION_MS, &qmp, error))
        return -1;
    result = machine_poll_stats(&qmp, error);
    qmp_close(&qmp);
    return result;
}

static void end_qemu(int number)
{
    ending_signal = number;
    if (qemu_pid)
        kill((pid_t)qemu_pid, SIGTERM);
}

/* From before QEMU runs, so that no signal leaves the guest's files behind. */
static void catch_signals(void)
{
    const struct sigaction action = {.sa_handler = end_qemu};

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

int supervise_start(struct guest *guest, const struct words *words, int lock,
                    struct error *error)
{
    int64_t deadline = deadline_in(START_MS);
    struct error reason = {.text = ""};

    has_terminal = !guest->detached && tcgetattr(STDIN_FILENO, &terminal) == 0;
    catch_signals();
    if (start_qemu(guest, words, lock, error))
        return -1;
    qemu_pid = guest->pid;
    if (ending_signal)
        kill(guest->pid, SIGTERM);
    if (guest_save(guest, &reason) == 0) {
        do {
            if (prepare_monitor(guest, &reason) == 0 || reap(guest, WNOHANG))
                return 0;
            deadline_nap(deadline, RETRY_MS);
        } while (deadline_left(deadline));
    }
    kill(guest->pid, SIGKILL);
    reap(guest, 0);
    return error_set(error, "QEMU was ended again: %.900s", reason.text);
}

int supervise_wait(struct guest *guest)
{
    if (guest->exit_status < 0)
        reap(guest, 0);
    /* QEMU does that itself, unless it was killed. */
    if (has_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
    if (ending_signal && guest->exit_status == 0)
        guest->exit_status = 128 + ending_signal;
    return guest->exit_status;
}

/* The two ends of the serial line, as QEMU's pipe device wants them. Returns 0 or -1. */
static int make_console(const struct guest *guest, struct error *error)
{
    char path[PATH_MAX];
    int fd;

    if (mkfifo(guest_path(guest, "console.in", path), 0600))
        return error_set(error, "%s: %s", path, strerror(errno));
    fd = open(guest_path(guest, "console.out", path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
              0600);
    if (fd < 0)
        return error_set(error, "%s: %s", path, strerror(errno));
    close(fd);
    return 0;
}

int supervise_detach(const struct guest *guest, struct error *error)
{
    char path[PATH_MAX];
    int log = open(guest_path(guest, "qemu.log", path),
                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int result = make_console(guest, error);

    if (result == 0 &&
        (log < 0 || null < 0 || setsid() < 0 || chdir("/") || dup2(null, STDIN_FILENO) < 0 ||
         dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0))
        result = error_set(error, "%s: cannot leave the terminal: %s", path, strerror(errno));
    if (log >= 0)
        close(log);
    if (null >= 0)
        close(null);
    return result;
}
