// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static java.util.Objects.requireNonNull;

/** A message from the node agent to ztunnel ({@code WorkloadRequest}). Each is answered by one acknowledgement. */
sealed interface ZdsRequest {
    /** A pod to be served, in the network namespace whose descriptor comes with the message. */
    record Add(String uid, WorkloadInfo info) implements ZdsRequest {
        public Add {
            requireNonNull(uid, "uid is null");
            requireNonNull(info, "info is null");
        }

        @Override
        public String toString() {
            return "add of " + info + " (UID " + uid + ")";
        }
    }

    /**
     * A pod to be kept if it is served already: its namespace is not known here. Only before {@link SnapshotSent};
     * after it, ztunnel takes this for a broken agent and exits.
     */
    record Keep(String uid) implements ZdsRequest {
        public Keep {
            requireNonNull(uid, "uid is null");
        }

        @Override
        public String toString() {
            return "keep of UID " + uid;
        }
    }

    /** A pod not to be served any more. ztunnel lets go of its namespace. */
    record Del(String uid) implements ZdsRequest {
        public Del {
            requireNonNull(uid, "uid is null");
        }

        @Override
        public String toString() {
            return "del of UID " + uid;
        }
    }

    /** All pods have been named: ztunnel drops those that it has served before and that were not. Once a connection. */
    record SnapshotSent() implements ZdsRequest {
        @Override
        public String toString() {
            return "snapshot_sent";
        }
    }
}
