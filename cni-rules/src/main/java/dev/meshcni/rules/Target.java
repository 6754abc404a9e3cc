// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import java.util.Objects;

/**
 * The action of a {@link Rule} on a matching packet: a closed set, see {@code iptables-extensions(8)}.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public sealed interface Target {
    /** Continue in a chain of ours, and come back from it unless a rule there decides. */
    record Jump(String chain) implements Target {
        public Jump {
            Objects.requireNonNull(chain, "chain is null");
        }
    }

    /** Leave this chain, and go on behind the jump that led here; in a built-in chain: its policy. */
    record Return() implements Target {}

    /** Let the packet through this table. */
    record Accept() implements Target {}

    /** Discard the packet. */
    record Drop() implements Target {}

    /** Send the packet to a local port (nat): {@code -j REDIRECT --to-ports}. */
    record Redirect(int port) implements Target {
        public Redirect {
            Ports.check(port);
        }
    }

    /** Hand the packet to a local socket without changing it (mangle): {@code -j TPROXY}. */
    record Tproxy(int port, int mark) implements Target {
        public Tproxy {
            Ports.check(port);
        }
    }

    /** Set the mark of the packet: {@code -j MARK --set-mark}. */
    record SetMark(int mark) implements Target {}

    /** Set the mark of the connection, under its mask: {@code -j CONNMARK --set-xmark}. */
    record SetConnectionMark(Mark mark) implements Target {
        public SetConnectionMark {
            Objects.requireNonNull(mark, "mark is null");
        }
    }

    /** Copy the mark of the packet to its connection: {@code -j CONNMARK --save-mark}. */
    record SaveMark() implements Target {}

    /** Copy the mark of the connection to the packet: {@code -j CONNMARK --restore-mark}. */
    record RestoreMark() implements Target {}

    /** Track the connection in a zone of its own (raw): {@code -j CT --zone}. */
    record CtZone(int zone) implements Target {
        public CtZone {
            if (zone < 0 || zone > 65535) {
                throw new IllegalArgumentException("conntrack zone " + zone + " is not in 0..65535");
            }
        }
    }
}
