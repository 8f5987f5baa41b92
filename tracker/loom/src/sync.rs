//! What the directory shares between threads, as loom sees it: of dashmap what the directory uses,
//! over loom's locks. std's `Arc` stays as it is; loom then sees less order than there is, not more.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

pub(crate) use loom::sync::atomic::AtomicUsize;
use loom::sync::{Mutex, MutexGuard};

/// Keys that a map can have: three swarms are enough to find two of them open, and no room for the
/// third.
const KEYS_MAX: usize = 3;

/// A map with a lock around each entry. That dashmap is one is taken as given, and nothing more:
/// there several keys have one lock, which puts more in order than the locks here do, so what holds
/// here holds there.
#[derive(Debug)]
pub(crate) struct DashMap<K, V> {
    slots: [Slot<K, V>; KEYS_MAX],
}

#[derive(Debug)]
struct Slot<K, V> {
    /// The first key that looked for a slot and found no other.
    key: OnceLock<K>,
    value: Mutex<Option<V>>,
}

/// What is under a key, or will be, and its lock.
pub(crate) struct Locked<'a, V>(MutexGuard<'a, Option<V>>);

loom::thread_local! {
    /// Whether the thread has a lock of a map. It must not ask for a second one, since with dashmap
    /// that may be the one that it has.
    static HAS_LOCK: Cell<bool> = Cell::new(false);
}

impl<K: Clone + Eq, V> DashMap<K, V> {
    fn lock(&self, key: &K) -> Locked<'_, V> {
        let is_for = |slot: &&Slot<K, V>| slot.key.get_or_init(|| key.clone()) == key;
        let slot = self.slots.iter().find(is_for).expect("a slot for each of a model's swarms");
        assert!(!HAS_LOCK.with(|has_lock| has_lock.replace(true)), "two locks at once");
        Locked(slot.value.lock().expect("nobody has panicked"))
    }

    pub(crate) fn entry(&self, key: K) -> Locked<'_, V> {
        self.lock(&key)
    }

    pub(crate) fn get(&self, key: &K) -> Option<Locked<'_, V>> {
        Some(self.lock(key)).filter(|locked| locked.0.is_some())
    }

    pub(crate) fn get_mut(&self, key: &K) -> Option<Locked<'_, V>> {
        self.get(key)
    }

    /// The value, taken out if `is_over` says so. It is dropped without the lock.
    pub(crate) fn remove_if_mut(
        &self,
        key: &K,
        is_over: impl FnOnce(&K, &mut V) -> bool,
    ) -> Option<V> {
        let mut locked = self.lock(key);
        locked.0.take_if(|value| is_over(key, value))
    }

    /// A model's map has no memory to give back.
    pub(crate) fn capacity(&self) -> usize {
        KEYS_MAX
    }

    pub(crate) fn len(&self) -> usize {
        let values = self.slots.iter().map(|slot| slot.value.lock().expect("nobody has panicked"));
        values.filter(|value| value.is_some()).count()
    }

    pub(crate) fn shrink_to_fit(&self) {}
}

impl<K, V> Default for DashMap<K, V> {
    fn default() -> Self {
        let slot = |_| Slot { key: OnceLock::new(), value: Mutex::new(None) };
        Self { slots: std::array::from_fn(slot) }
    }
}

impl<V> Locked<'_, V> {
    pub(crate) fn or_try_insert_with<E>(
        mut self,
        new: impl FnOnce() -> Result<V, E>,
    ) -> Result<Self, E> {
        if self.0.is_none() {
            *self.0 = Some(new()?);
        }
        Ok(self)
    }
}

impl<V> Deref for Locked<'_, V> {
    type Target = V;

    fn deref(&self) -> &V {
        self.0.as_ref().expect("a value")
    }
}

impl<V> DerefMut for Locked<'_, V> {
    fn deref_mut(&mut self) -> &mut V {
        self.0.as_mut().expect("a value")
    }
}

impl<V> Drop for Locked<'_, V> {
    fn drop(&mut self) {
        HAS_LOCK.with(|has_lock| has_lock.set(false));
    }
}
