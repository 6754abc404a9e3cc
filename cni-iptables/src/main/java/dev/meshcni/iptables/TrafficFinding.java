// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import dev.meshcni.rules.IpFamily;

/**
 * The result of validating one kind of traffic.
 *
 * @param traffic the traffic
 * @param family its address family
 * @param result what happens to it
 * @param detail how that was found out, or why it could not be
 */
record TrafficFinding(Traffic traffic, IpFamily family, Result result, String detail) {
    /** Kinds of traffic that are redirected. */
    enum Traffic {
        OUTBOUND("outbound"),
        INBOUND("inbound"),
        DNS_OVER_UDP("DNS over UDP"),
        DNS_OVER_TCP("DNS over TCP");

        private final String label;

        Traffic(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    /** The result of a test. */
    enum Result {
        REDIRECTED("redirected"),
        NOT_REDIRECTED("NOT redirected"),
        NOT_TESTED("not tested");

        private final String label;

        Result(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    /** The traffic, as people say it. */
    String subject() {
        return family.label() + " " + traffic.label();
    }

    @Override
    public String toString() {
        return subject() + ": " + result.label() + ", " + detail;
    }
}
