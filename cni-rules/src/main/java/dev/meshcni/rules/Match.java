// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * One condition of a {@link Rule}: a closed set, just what the rules of a pod need.
 *
 * <p>Names and semantics are those of {@code iptables(8)} and {@code iptables-extensions(8)}. A rule applies to a
 * packet when all its matches do.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public sealed interface Match {
    /** The source address lies in the block ({@code -s}). */
    record Source(Cidr block, boolean negated) implements Match {
        public Source {
            Objects.requireNonNull(block, "block is null");
        }
    }

    /** The destination address lies in the block ({@code -d}). */
    record Destination(Cidr block, boolean negated) implements Match {
        public Destination {
            Objects.requireNonNull(block, "block is null");
        }
    }

    /** The packet came in through the interface ({@code -i}). */
    record InInterface(InterfaceName name, boolean negated) implements Match {
        public InInterface {
            Objects.requireNonNull(name, "name is null");
        }
    }

    /** The packet leaves through the interface ({@code -o}). */
    record OutInterface(InterfaceName name, boolean negated) implements Match {
        public OutInterface {
            Objects.requireNonNull(name, "name is null");
        }
    }

    /** The transport protocol ({@code -p}). Port matches need it in the same rule. */
    record Protocol(TransportProtocol protocol) implements Match {
        public Protocol {
            Objects.requireNonNull(protocol, "protocol is null");
        }
    }

    /** The source port ({@code --sport}). */
    record SourcePort(int port, boolean negated) implements Match {
        public SourcePort {
            Ports.check(port);
        }
    }

    /** The destination port ({@code --dport}). */
    record DestinationPort(int port, boolean negated) implements Match {
        public DestinationPort {
            Ports.check(port);
        }
    }

    /** The destination port is one of up to 15 ({@code -m multiport --dports}). */
    record DestinationPorts(List<Integer> ports, boolean negated) implements Match {
        /** The most ports that one multiport match takes. */
        public static final int MAX_PORTS = 15;

        public DestinationPorts {
            ports = List.copyOf(ports);
            if (ports.isEmpty() || ports.size() > MAX_PORTS) {
                throw new IllegalArgumentException("multiport takes 1 to " + MAX_PORTS + " ports, not " + ports.size());
            }
            ports.forEach(Ports::check);
        }
    }

    /** The socket that sent the packet belongs to the user ({@code -m owner --uid-owner}); OUTPUT only. */
    record UidOwner(long uid, boolean negated) implements Match {
        public UidOwner {
            OwnerIds.check(uid);
        }
    }

    /** The socket that sent the packet belongs to the group ({@code -m owner --gid-owner}); OUTPUT only. */
    record GidOwner(long gid, boolean negated) implements Match {
        public GidOwner {
            OwnerIds.check(gid);
        }
    }

    /** The state of the connection ({@code -m conntrack --ctstate}). */
    record ConnState(Set<ConnectionState> states) implements Match {
        public ConnState {
            states = Set.copyOf(states);
            if (states.isEmpty()) {
                throw new IllegalArgumentException("no connection state given");
            }
        }
    }

    /** The mark of the packet ({@code -m mark --mark}). */
    record PacketMark(Mark mark, boolean negated) implements Match {
        public PacketMark {
            Objects.requireNonNull(mark, "mark is null");
        }

        /** A mark of which all bits are compared. */
        public PacketMark(int mark, boolean negated) {
            this(Mark.whole(mark), negated);
        }
    }

    /** The mark of the connection ({@code -m connmark --mark}). */
    record ConnectionMark(Mark mark, boolean negated) implements Match {
        public ConnectionMark {
            Objects.requireNonNull(mark, "mark is null");
        }

        /** A mark of which all bits are compared. */
        public ConnectionMark(int mark, boolean negated) {
            this(Mark.whole(mark), negated);
        }
    }
}
