//! CPU time of this thread and of other processes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::mem;

/// Pins the calling thread to one core.
pub fn pin(cpu: usize) -> io::Result<()> {
    // SAFETY: `set` is plain data, large enough for any cpu number that CPU_SET accepts (checked), and outlives the call.
    let done = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        if cpu >= libc::CPU_SETSIZE as usize {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, mem::size_of::<libc::cpu_set_t>(), &set)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writing; the clocks used here exist on every Linux.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// CPU time of the calling thread.
pub fn thread_ns() -> u64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// The clock that the kernel stamps received packets with.
pub fn realtime_ns() -> u64 {
    clock_ns(libc::CLOCK_REALTIME)
}

/// CPU time of each thread of a process: thread id to (name, nanoseconds).
pub type Threads = BTreeMap<u32, (String, u64)>;

/// Reads `schedstat`, whose first figure is run time in nanoseconds; `stat` counts in ticks of 10 ms.
pub fn threads_of(pid: u32) -> io::Result<Threads> {
    let mut threads = Threads::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = entry?.path();
        let Some(tid) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A thread may end between the listing and the reading.
        let (Ok(name), Ok(stat)) =
            (fs::read_to_string(path.join("comm")), fs::read_to_string(path.join("schedstat")))
        else {
            continue;
        };
        let run_ns = stat.split_ascii_whitespace().next().and_then(|figure| figure.parse().ok());
        let run_ns = run_ns.ok_or_else(|| io::Error::other("schedstat holds no run time"))?;
        threads.insert(tid, (name.trim().to_owned(), run_ns));
    }
    Ok(threads)
}

/// Nanoseconds that each thread ran from `before` to `after`, the busiest first.
pub fn spent_ns(before: &Threads, after: &Threads) -> Vec<(String, u64)> {
    let mut spent: Vec<(String, u64)> = after
        .iter()
        .map(|(tid, (name, ns))| (name.clone(), ns - before.get(tid).map_or(0, |(_, ns)| *ns).min(*ns)))
        .collect();
    spent.sort_by_key(|(_, ns)| std::cmp::Reverse(*ns));
    spent
}
