// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core.spi;

/**
 * The rules of a network namespace cannot be read: they are more than anybody needs, or nothing that the tools of the
 * node can show. That is a finding about the pod, whose containers can bring it about if they may administer their
 * network; so it is never taken for rules that are as they should be. The message says what is wrong with them.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public class UnreadableRulesException extends RedirectException {
    private static final long serialVersionUID = 1L;

    public UnreadableRulesException(String message) {
        super(message);
    }

    public UnreadableRulesException(String message, Throwable cause) {
        super(message, cause);
    }
}
