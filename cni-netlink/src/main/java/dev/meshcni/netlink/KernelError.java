// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.util.Objects;

/**
 * Why the kernel did not do what a message asked for ({@code NLMSG_ERROR}, {@code netlink(7)}).
 *
 * @param sequence the number of the message
 * @param errno the error number ({@code errno(3)}), positive
 * @param text what the kernel says about it ({@code NLMSGERR_ATTR_MSG}); often empty
 * @param offset where in the message the attribute stands that is wrong ({@code NLMSGERR_ATTR_OFFS}); 0 if it does not
 *     say
 */
public record KernelError(int sequence, int errno, String text, int offset) {
    public KernelError {
        Objects.requireNonNull(text, "text is null");
    }
}
