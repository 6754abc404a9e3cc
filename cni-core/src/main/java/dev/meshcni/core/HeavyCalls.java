// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.CniException;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RuleBudget;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Lets few calls at a time work for pods whose authors ask for much, so that their rules do not fill the memory, and so
 * that those that ask for little pass them. What such a call waits for is a place, before it reads what the pod asks
 * for.
 */
final class HeavyCalls {
    private static final int PLACES = 2;

    /** Characters of annotations and variables; a pod that asks for what most pods ask for has some hundred. */
    private static final int LIGHT_TEXT = 8 * 1024;

    private static final int LIGHT_RULES = 512;

    /** A runtime calls again; until then the pod is not in the way of others. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Semaphore places = new Semaphore(PLACES, true);

    /** The slot that a call occupies while it works. */
    final class Place implements AutoCloseable {
        private final Deadline deadline;
        private boolean heavy;

        private Place(Deadline deadline) {
            this.deadline = deadline;
        }

        /** Returns whether it can go on with what the pod turned out to ask for, without waiting. */
        boolean goesOnAtOnce(RedirectParameters parameters) {
            return heavy || RuleBudget.estimate(parameters) <= LIGHT_RULES;
        }

        /**
         * Goes on with what the pod turned out to ask for.
         *
         * @throws CniException if that is much, and too many calls are busy with as much
         */
        void goOnWith(RedirectParameters parameters) {
            if (!goesOnAtOnce(parameters)) {
                waitForPlace();
            }
        }

        @Override
        public void close() {
            if (heavy) {
                places.release();
            }
        }

        private void waitForPlace() {
            try {
                heavy = places.tryAcquire(deadline.atMost(PATIENCE).toNanos(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            if (!heavy) {
                throw new CniException(
                        ErrorCode.TRY_AGAIN_LATER,
                        "the pod needs many rules, and the agent is busy with other such pods",
                        "at most " + PLACES + " of them are processed at a time; the runtime retries automatically");
            }
        }
    }

    /**
     * Begins to work for a pod.
     *
     * @param pod what its author has written
     * @param deadline the end of the call
     * @throws CniException if that is much, and too many calls are busy with as much
     */
    Place begin(Pod pod, Deadline deadline) {
        Place place = new Place(deadline);
        if (length(pod) > LIGHT_TEXT) {
            place.waitForPlace();
        }
        return place;
    }

    private static long length(Pod pod) {
        long length = length(pod.annotations());
        for (Pod.Container container : pod.initContainers()) {
            length += length(container.env());
        }
        for (Pod.Container container : pod.containers()) {
            length += length(container.env());
        }
        return length;
    }

    private static long length(Map<String, String> texts) {
        long length = 0;
        for (String text : texts.values()) {
            length += text.length();
        }
        return length;
    }
}
