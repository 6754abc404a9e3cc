// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static java.util.Objects.requireNonNull;

/** ztunnel has not taken a pod. The message names the pod, the cause, and what to look at. */
public final class ZtunnelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Why it has not. */
    public enum Reason {
        /** No ztunnel has connected since the socket was made. */
        NEVER_CONNECTED,
        /** The last one has gone, and no other one has come in time. */
        GONE,
        /** One has connected and says nothing. */
        SILENT,
        /** It has not answered in time. */
        LATE,
        /** It has answered that it cannot. */
        REFUSED,
        /** The pod is not wanted any more, or in another namespace by now. */
        OVERTAKEN
    }

    private final Reason reason;

    ZtunnelException(Reason reason, String message) {
        super(message);
        this.reason = requireNonNull(reason, "reason is null");
    }

    public Reason reason() {
        return reason;
    }
}
