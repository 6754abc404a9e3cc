// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import java.io.IOException;

/** A connection did not come about. */
final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Tunnel.Refusal refusal;

    RefusedException(Tunnel.Refusal refusal, Throwable cause) {
        super(refusal.toString(), cause);
        this.refusal = refusal;
    }

    Tunnel.Refusal refusal() {
        return refusal;
    }
}
