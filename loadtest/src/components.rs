//! Which components a graph falls into, by joining sets (union-find with path halving, smaller
//! below larger).

/// The components of the nodes 0 to n. The tables are kept from one use to the next.
#[derive(Debug, Default)]
pub(crate) struct Components {
    /// By node: another node of the same component, or itself at the root.
    parents: Vec<u32>,
    /// By node, at the roots.
    sizes: Vec<u32>,
}

impl Components {
    /// Begins again with so many nodes, each alone.
    pub(crate) fn reset(&mut self, nodes: u32) {
        self.parents.clear();
        self.parents.extend(0..nodes);
        self.sizes.clear();
        self.sizes.resize(nodes as usize, 1);
    }

    /// Joins the components of two nodes.
    pub(crate) fn join(&mut self, one: u32, other: u32) {
        let [mut small, mut large] = [self.root(one), self.root(other)];
        if small == large {
            return;
        }
        if self.sizes[small as usize] > self.sizes[large as usize] {
            (small, large) = (large, small);
        }
        self.parents[small as usize] = large;
        self.sizes[large as usize] += self.sizes[small as usize];
    }

    /// The node that stands for the component of `node`.
    pub(crate) fn root(&mut self, mut node: u32) -> u32 {
        loop {
            let parent = self.parents[node as usize];
            if parent == node {
                return node;
            }
            let grandparent = self.parents[parent as usize];
            self.parents[node as usize] = grandparent;
            node = grandparent;
        }
    }

    /// Nodes of the component of `node`.
    pub(crate) fn size(&mut self, node: u32) -> u32 {
        let root = self.root(node);
        self.sizes[root as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_in_any_order_is_one_component() {
        let mut components = Components::default();
        components.reset(7);
        for (one, other) in [(0, 1), (4, 5), (1, 0), (5, 6), (6, 1)] {
            components.join(one, other);
        }
        let sizes: Vec<_> = (0..7).map(|node| components.size(node)).collect();
        assert_eq!(sizes, [5, 5, 1, 1, 5, 5, 5]);
        assert_eq!(components.root(0), components.root(4));
        components.reset(2);
        assert_eq!([components.size(0), components.size(1)], [1, 1]);
    }
}
