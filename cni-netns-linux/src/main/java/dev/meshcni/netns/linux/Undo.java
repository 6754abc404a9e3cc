// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import java.util.ArrayDeque;
import java.util.Deque;

/** The steps back for what was done, the last one first. */
final class Undo {
    private record Step(String what, Runnable action) {}

    private final Deque<Step> steps = new ArrayDeque<>();

    void push(String what, Runnable action) {
        steps.push(new Step(what, action));
    }

    /** Takes all steps back. A step that cannot be taken back does not keep the others from it. */
    RedirectException after(RuntimeException failure) {
        StringBuilder left = new StringBuilder();
        while (!steps.isEmpty()) {
            Step step = steps.pop();
            try {
                step.action().run();
            } catch (RuntimeException e) {
                failure.addSuppressed(e);
                left.append("; rolling back ")
                        .append(step.what())
                        .append(" also failed, it may be partially applied: ");
                left.append(e.getMessage());
            }
        }
        if (left.isEmpty() && failure instanceof RedirectException asIs) {
            return asIs;
        }
        return new RedirectException(failure.getMessage() + left, failure);
    }
}
