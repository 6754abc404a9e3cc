// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A list that the kernel is asked for, which comes in several datagrams ({@code NLM_F_DUMP}, {@code NLM_F_MULTI}). What
 * changes meanwhile makes it a list of no one moment: then the kernel says so ({@code NLM_F_DUMP_INTR}, or
 * {@code EINTR} as its end), and it has to be asked again.
 */
public final class NetlinkDump {
    private static final int EINTR = 4;

    private final int sequence;
    private final List<NetlinkReply> replies = new ArrayList<>();
    private boolean done;
    private boolean interrupted;
    private Optional<KernelError> error = Optional.empty();

    /** The answer to the request of a number; answers to others are left out. */
    public NetlinkDump(int sequence) {
        this.sequence = sequence;
    }

    /** Takes the messages of one datagram. */
    public void accept(List<NetlinkReply> datagram) {
        for (NetlinkReply reply : datagram) {
            if (reply.sequence() != sequence || reply.isNoop() || done) {
                continue;
            }
            interrupted |= reply.interrupted();
            error = error.or(reply::error);
            if (reply.isDone() || reply.error().isPresent()) {
                done = true;
            } else {
                replies.add(reply);
            }
        }
    }

    /** Returns whether the list is at its end. */
    public boolean done() {
        return done;
    }

    /** Returns whether it has to be requested again. */
    public boolean interrupted() {
        return interrupted || error.filter(e -> e.errno() == EINTR).isPresent();
    }

    /** Why there is no list. */
    public Optional<KernelError> error() {
        return error;
    }

    /** The objects of the list. */
    public List<NetlinkReply> replies() {
        return List.copyOf(replies);
    }
}
