//! The virtual clock, the datagrams under way, and who is attached.

use std::any::Any;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Duration;

use visavis_dataplane::Time;

use crate::link::{Link, Links};
use crate::random::Random;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub data: Vec<u8>,
}

/// Something with addresses, driven as a sans-IO core is: input with the time, then `flush`, then output.
pub trait Node: Any + std::fmt::Debug {
    fn handle_datagram_untrusted(&mut self, now: Time, datagram: Datagram);
    fn handle_timeout(&mut self, now: Time);
    /// All that came at one moment was handed in.
    fn flush(&mut self, now: Time);
    fn poll_timeout(&self) -> Option<Time>;
    fn poll_transmit(&mut self) -> Option<Datagram>;
}

/// A node attached to a network, by its type.
#[derive(Debug)]
pub struct Handle<N> {
    index: usize,
    node: PhantomData<fn() -> N>,
}

impl<N> Clone for Handle<N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N> Copy for Handle<N> {}

#[derive(Debug)]
struct Attached {
    node: Box<dyn Node>,
    up: Link,
    down: Link,
}

/// A datagram that reaches a place at a time; the second number makes the order of equal times that of their making.
#[derive(Debug, PartialEq, Eq)]
struct UnderWay {
    at: Time,
    order: u64,
    /// It is at its destination; else between the two links.
    arrived: bool,
    datagram: Datagram,
}

impl Ord for UnderWay {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for UnderWay {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// How often a node may want to be woken at one moment before that is taken for a defect.
const TURNS_AT_ONE_MOMENT: u32 = 1_000;

/// Nodes, the links between them, and the clock.
#[derive(Debug)]
pub struct Network {
    now: Time,
    nodes: Vec<Option<Attached>>,
    routes: HashMap<SocketAddr, usize>,
    /// The outer address of each inner one behind a NAT.
    translations: BTreeMap<SocketAddr, SocketAddr>,
    dead: BTreeSet<SocketAddr>,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    order: u64,
    random: Random,
    fingerprint: u64,
    tap: Option<Vec<(Time, Datagram)>>,
}

impl Network {
    pub fn new(seed: u64) -> Network {
        Network {
            now: Time::ZERO,
            nodes: Vec::new(),
            routes: HashMap::new(),
            translations: BTreeMap::new(),
            dead: BTreeSet::new(),
            under_way: BinaryHeap::new(),
            order: 0,
            random: Random::new(seed),
            fingerprint: 0xcbf2_9ce4_8422_2325,
            tap: None,
        }
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// A hash (FNV-1a) of all datagrams that were sent and that arrived, with their times and addresses.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Keeps a copy of every datagram that arrives from now on.
    pub fn tap(&mut self) {
        self.tap = Some(Vec::new());
    }

    pub fn tapped(&mut self) -> Vec<(Time, Datagram)> {
        self.tap.replace(Vec::new()).unwrap_or_default()
    }

    pub fn attach<N: Node>(&mut self, node: N, addresses: &[SocketAddr], links: Links) -> Handle<N> {
        let index = self.nodes.iter().position(Option::is_none).unwrap_or(self.nodes.len());
        let (up, down) = (self.random.fork(1), self.random.fork(2));
        let attached =
            Attached { node: Box::new(node), up: Link::new(links.up, up), down: Link::new(links.down, down) };
        if index == self.nodes.len() {
            self.nodes.push(None);
        }
        self.nodes[index] = Some(attached);
        self.routes.extend(addresses.iter().map(|&address| (address, index)));
        Handle { index, node: PhantomData }
    }

    /// Takes a node away; what is under way to it is lost.
    pub fn detach<N: Node>(&mut self, handle: Handle<N>) {
        self.nodes[handle.index] = None;
        self.routes.retain(|_, &mut index| index != handle.index);
    }

    /// One more address of a node, behind the same links.
    pub fn add_address<N: Node>(&mut self, handle: Handle<N>, address: SocketAddr) {
        self.routes.insert(address, handle.index);
    }

    /// Puts an address behind a NAT: to everybody else it is `outer`, from now on and whatever it was before.
    pub fn translate(&mut self, inner: SocketAddr, outer: SocketAddr) {
        self.translations.insert(inner, outer);
    }

    /// From now on nothing that comes from or goes to this address arrives.
    pub fn cut(&mut self, address: SocketAddr) {
        self.dead.insert(address);
    }

    pub fn mend(&mut self, address: SocketAddr) {
        self.dead.remove(&address);
    }

    pub fn node<N: Node>(&self, handle: Handle<N>) -> &N {
        let node: &dyn Any = &*self.attached(handle).node;
        node.downcast_ref().expect("a handle has its node's type")
    }

    /// A node to act on, at the present moment; what it wants sent leaves with the next run.
    pub fn node_mut<N: Node>(&mut self, handle: Handle<N>) -> &mut N {
        let attached = self.nodes[handle.index].as_mut().expect("the node is attached");
        let node: &mut dyn Any = &mut *attached.node;
        node.downcast_mut().expect("a handle has its node's type")
    }

    fn attached<N: Node>(&self, handle: Handle<N>) -> &Attached {
        self.nodes[handle.index].as_ref().expect("the node is attached")
    }

    /// A node's links, to look at their counts or to change what they do.
    pub fn links<N: Node>(&mut self, handle: Handle<N>) -> (&mut Link, &mut Link) {
        let attached = self.nodes[handle.index].as_mut().expect("the node is attached");
        (&mut attached.up, &mut attached.down)
    }

    /// A datagram from somewhere in the network, sender's address as it likes.
    pub fn inject(&mut self, datagram: Datagram) {
        let at = self.now;
        self.push(at, false, datagram);
    }

    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Lets happen what is due up to `end`.
    pub fn run_until(&mut self, end: Time) {
        let everybody: Vec<usize> = (0..self.nodes.len()).collect();
        self.collect(everybody);
        let (mut moment, mut turns) = (self.now, 0);
        while let Some(at) = self.next_event().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            turns = if self.now == moment { turns + 1 } else { 0 };
            moment = self.now;
            assert!(turns < TURNS_AT_ONE_MOMENT, "somebody wants to be woken at {moment:?} again and again");
            self.turn();
        }
        self.now = self.now.max(end);
    }

    fn next_event(&self) -> Option<Time> {
        let timers = self.nodes.iter().flatten().filter_map(|attached| attached.node.poll_timeout());
        timers.chain(self.under_way.peek().map(|Reverse(next)| next.at)).min()
    }

    /// All that is due at this moment.
    fn turn(&mut self) {
        let mut touched = BTreeSet::new();
        while self.under_way.peek().is_some_and(|Reverse(next)| next.at <= self.now) {
            let Some(Reverse(next)) = self.under_way.pop() else { break };
            if next.arrived {
                touched.extend(self.deliver(next.datagram));
            } else {
                self.enter(next.datagram);
            }
        }
        for (index, attached) in self.nodes.iter_mut().enumerate() {
            let Some(attached) = attached else { continue };
            if attached.node.poll_timeout().is_some_and(|due| due <= self.now) {
                attached.node.handle_timeout(self.now);
                touched.insert(index);
            }
        }
        self.collect(touched);
    }

    fn deliver(&mut self, datagram: Datagram) -> Option<usize> {
        let index = *self.routes.get(&datagram.to)?;
        self.note(&datagram);
        if let Some(tap) = &mut self.tap {
            tap.push((self.now, datagram.clone()));
        }
        self.nodes[index].as_mut()?.node.handle_datagram_untrusted(self.now, datagram);
        Some(index)
    }

    /// Takes what these nodes want sent.
    fn collect(&mut self, nodes: impl IntoIterator<Item = usize>) {
        for index in nodes {
            if let Some(attached) = &mut self.nodes[index] {
                attached.node.flush(self.now);
            }
            while let Some(mut datagram) =
                self.nodes[index].as_mut().and_then(|attached| attached.node.poll_transmit())
            {
                self.note(&datagram);
                if self.dead.contains(&datagram.from) {
                    continue;
                }
                datagram.from = self.translations.get(&datagram.from).copied().unwrap_or(datagram.from);
                let Some(attached) = &mut self.nodes[index] else { break };
                for at in attached.up.carry(self.now, datagram.data.len()).into_iter().flatten() {
                    self.push(at, false, datagram.clone());
                }
            }
        }
    }

    /// A datagram comes to the last link on its way.
    fn enter(&mut self, mut datagram: Datagram) {
        if self.translations.contains_key(&datagram.to) {
            return; // an inner address is nobody's outside
        }
        let inner = self.translations.iter().find(|&(_, &outer)| outer == datagram.to);
        datagram.to = inner.map_or(datagram.to, |(&inner, _)| inner);
        if self.dead.contains(&datagram.to) {
            return;
        }
        let Some(attached) = self.routes.get(&datagram.to).and_then(|&index| self.nodes[index].as_mut())
        else {
            return;
        };
        for at in attached.down.carry(self.now, datagram.data.len()).into_iter().flatten() {
            self.push(at, true, datagram.clone());
        }
    }

    fn push(&mut self, at: Time, arrived: bool, datagram: Datagram) {
        self.order += 1;
        self.under_way.push(Reverse(UnderWay { at, order: self.order, arrived, datagram }));
    }

    fn note(&mut self, datagram: &Datagram) {
        let head = format!("{} {} {}", self.now.as_nanos(), datagram.from, datagram.to);
        for &byte in head.as_bytes().iter().chain(&datagram.data) {
            self.fingerprint = (self.fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
