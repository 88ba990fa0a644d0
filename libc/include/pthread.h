/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX threads: what services use of them. Errors are returned, not stored in errno.
 * A thread's stack has 16 KiB whatever its attributes say: large data belongs into the heap.
 */
#ifndef LIBC_PTHREAD_H
#define LIBC_PTHREAD_H

#include <sys/types.h>
#include <time.h>

#define PTHREAD_MUTEX_INITIALIZER _PTHREAD_MUTEX_INITIALIZER
#define PTHREAD_COND_INITIALIZER  _PTHREAD_COND_INITIALIZER
#define PTHREAD_ONCE_INIT         _PTHREAD_ONCE_INIT

#define PTHREAD_KEYS_MAX 32

__BEGIN_DECLS
/* EAGAIN: no memory. The attributes may be NULL and have no effect. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *arg);
/* ESRCH: no such thread, or detached; EDEADLK: the caller itself. */
int pthread_join(pthread_t thread, void **result);
int pthread_detach(pthread_t thread);
void pthread_exit(void *result) __attribute__((noreturn));
pthread_t pthread_self(void);
int pthread_equal(pthread_t a, pthread_t b);

/* Not recursive; the attributes have no effect. EPERM: the caller does not hold it. */
int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int pthread_mutex_destroy(pthread_mutex_t *mutex);
int pthread_mutex_lock(pthread_mutex_t *mutex); /* EDEADLK: the caller holds it */
int pthread_mutex_trylock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);

/* A wait may end without a reason, as POSIX allows. Timeouts are on CLOCK_REALTIME. */
int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes);
int pthread_cond_destroy(pthread_cond_t *cond);
int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *until);
int pthread_cond_signal(pthread_cond_t *cond);
int pthread_cond_broadcast(pthread_cond_t *cond);

int pthread_once(pthread_once_t *once, void (*initialise)(void));

/* Values are taken down by `destroy` when their thread ends. EAGAIN: no key is left. */
int pthread_key_create(pthread_key_t *key, void (*destroy)(void *));
void *pthread_getspecific(pthread_key_t key);
int pthread_setspecific(pthread_key_t key, const void *value);
__END_DECLS

#endif
