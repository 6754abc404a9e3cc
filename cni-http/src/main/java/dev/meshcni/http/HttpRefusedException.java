// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import java.io.IOException;

/** A request that gets no page but an error. The message is ours and quotes nothing of the request. */
final class HttpRefusedException extends IOException {
    private static final long serialVersionUID = 1;

    private final HttpRefusal refusal;
    private final int status;

    HttpRefusedException(HttpRefusal refusal, int status, String message) {
        super(message);
        this.refusal = refusal;
        this.status = status;
    }

    HttpRefusal refusal() {
        return refusal;
    }

    /** The answer that says so. */
    HttpAnswer answer() {
        return HttpAnswer.text(status, getMessage());
    }
}
