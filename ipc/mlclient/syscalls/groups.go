package syscalls

import "strings"

// Group is a set of system calls that do the same for this purpose: openat and
// open, stat and newfstatat. Groups make traces of different architectures and
// ages of the C library comparable.
type Group uint8

// Class is what a group works on.
type Class uint8

// The classes, in the order of the class pairs in the feature vector.
const (
	ClassFile Class = iota
	ClassMemory
	ClassProcess
	ClassIdentity
	ClassNetwork
	ClassWait // waiting, signals and clocks
	ClassOther
	Classes // how many there are
)

// groupList defines the groups, in the order of the feature vector. The first
// word names the group, the others are the calls in it.
var groupList = [...]struct {
	class Class
	words string
}{
	{ClassFile, "open open openat openat2 creat open_by_handle_at name_to_handle_at"},
	{ClassFile, "close close close_range"},
	{ClassFile, "read read pread64 readv preadv preadv2"},
	{ClassFile, "write write pwrite64 writev pwritev pwritev2"},
	{ClassFile, "seek lseek _llseek"},
	{ClassFile, "stat stat lstat fstat stat64 lstat64 fstat64 newfstatat fstatat64 statx oldstat oldlstat oldfstat"},
	{ClassFile, "access access faccessat faccessat2"},
	{ClassFile, "getdents getdents getdents64 readdir"},
	{ClassFile, "readlink readlink readlinkat"},
	{ClassFile, "unlink unlink unlinkat rmdir"},
	{ClassFile, "rename rename renameat renameat2"},
	{ClassFile, "mkdir mkdir mkdirat mknod mknodat"},
	{ClassFile, "chmod chmod fchmod fchmodat fchmodat2"},
	{ClassFile, "chown chown fchown lchown fchownat chown32 fchown32 lchown32"},
	{ClassFile, "chdir chdir fchdir getcwd chroot pivot_root"},
	{ClassFile, "fcntl fcntl fcntl64 flock"},
	{ClassFile, "dup dup dup2 dup3"},
	{ClassFile, "pipe pipe pipe2"},
	{ClassFile, "ioctl ioctl"},
	{ClassFile, "statfs statfs fstatfs statfs64 fstatfs64"},
	{ClassFile, "sync fsync fdatasync sync msync syncfs sync_file_range"},
	{ClassFile, "truncate truncate ftruncate truncate64 ftruncate64 fallocate"},
	{ClassFile, "link link linkat symlink symlinkat"},
	{ClassFile, "utime utime utimes utimensat futimesat utimensat_time64"},
	{ClassFile, "umask umask"},
	{ClassFile, "sendfile sendfile sendfile64 splice tee vmsplice copy_file_range"},
	{ClassFile, "advise fadvise64 fadvise64_64 readahead"},
	{ClassFile, "xattr setxattr getxattr listxattr removexattr lsetxattr lgetxattr llistxattr lremovexattr fsetxattr fgetxattr flistxattr fremovexattr"},
	{ClassFile, "watch inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_init fanotify_mark"},
	{ClassFile, "mount mount umount umount2 mount_setattr open_tree move_mount fsopen fsmount"},
	{ClassMemory, "mmap mmap mmap2"},
	{ClassMemory, "munmap munmap"},
	{ClassMemory, "mprotect mprotect pkey_mprotect"},
	{ClassMemory, "brk brk"},
	{ClassMemory, "madvise madvise mremap mincore mlock munlock mlockall munlockall process_madvise"},
	{ClassMemory, "shared shmget shmat shmctl shmdt memfd_create"},
	{ClassProcess, "clone clone clone3 fork vfork"},
	{ClassProcess, "execve execve execveat"},
	{ClassProcess, "exit exit exit_group"},
	{ClassProcess, "wait wait4 waitpid waitid"},
	{ClassProcess, "kill kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal"},
	{ClassProcess, "ptrace ptrace process_vm_readv process_vm_writev"},
	{ClassProcess, "prctl prctl seccomp"},
	{ClassProcess, "thread arch_prctl set_thread_area get_thread_area set_tid_address set_robust_list get_robust_list rseq modify_ldt"},
	{ClassProcess, "sched sched_yield sched_setaffinity sched_getaffinity sched_setscheduler sched_getscheduler sched_setparam sched_getparam sched_get_priority_max sched_get_priority_min setpriority getpriority nice ioprio_set ioprio_get"},
	{ClassProcess, "getpid getpid getppid gettid getpgrp getpgid getsid"},
	{ClassProcess, "setpgid setpgid setsid unshare setns"},
	{ClassProcess, "rlimit getrlimit setrlimit ugetrlimit prlimit64"},
	{ClassIdentity, "getuid getuid getgid geteuid getegid getuid32 getgid32 geteuid32 getegid32 getgroups getgroups32 getresuid getresgid getresuid32 getresgid32"},
	{ClassIdentity, "setuid setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups setuid32 setgid32 setreuid32 setregid32 setresuid32 setresgid32 setfsuid32 setfsgid32 setgroups32"},
	{ClassIdentity, "capability capget capset keyctl add_key request_key init_module finit_module delete_module bpf perf_event_open"},
	{ClassNetwork, "socket socketcall socket socketpair bind connect listen accept accept4 getsockname getpeername sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown setsockopt getsockopt"},
	{ClassWait, "poll poll ppoll select _newselect pselect6 ppoll_time64 pselect6_time64"},
	{ClassWait, "epoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 io_uring_enter io_uring_setup io_submit io_getevents"},
	{ClassWait, "futex futex futex_time64 futex_wait futex_wake futex_waitv ipc semget semop semctl semtimedop msgget msgsnd msgrcv msgctl membarrier"},
	{ClassWait, "sleep nanosleep clock_nanosleep pause rt_sigsuspend sigsuspend rt_sigtimedwait restart_syscall"},
	{ClassWait, "sigaction sigaction rt_sigaction signal sigaltstack"},
	{ClassWait, "sigmask sigprocmask rt_sigprocmask rt_sigpending sigpending signalfd signalfd4"},
	{ClassWait, "sigreturn sigreturn rt_sigreturn"},
	{ClassWait, "clock gettimeofday time clock_gettime clock_getres times getrusage clock_gettime64 settimeofday"},
	{ClassWait, "timer alarm setitimer getitimer timer_create timer_settime timer_gettime timer_delete timerfd_create timerfd_settime timerfd_gettime"},
	{ClassOther, "info uname sysinfo getrandom syslog getcpu olduname"},
	{ClassOther, "other"},
}

// Groups is how many groups there are.
const Groups = len(groupList)

// other is the group of every call that no other group names.
const other = Group(Groups - 1)

var groupOf = func() map[string]Group {
	m := make(map[string]Group, 400)
	for g := range groupList {
		for _, call := range strings.Fields(groupList[g].words)[1:] {
			m[call] = Group(g)
		}
	}
	return m
}()

// Named gives the group of a system call by its name, such as "openat".
func Named(name string) Group {
	if g, ok := groupOf[name]; ok {
		return g
	}
	return other
}

// String is the group's name, such as "open".
func (g Group) String() string {
	if int(g) >= Groups {
		return "other"
	}
	name, _, _ := strings.Cut(groupList[g].words, " ")
	return name
}

// Class is what the group works on.
func (g Group) Class() Class {
	if int(g) >= Groups {
		return ClassOther
	}
	return groupList[g].class
}
