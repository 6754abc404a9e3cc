// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

/** The reason why a port rejected a connection or request. */
public enum HttpRefusal {
    /** The oldest of a peer's connections was closed, as that peer opened more than it may have. */
    PEER_LIMIT("peer-limit"),
    /**
     * The oldest connection of the peer with the most connections was closed, because the port has reached its limit.
     */
    FULL("full"),
    /** The port could not take a connection, such as for want of file descriptors. */
    NOT_ACCEPTED("not-accepted"),
    /** The request was not complete in time. */
    SLOW_REQUEST("slow-request"),
    /** The answer was not taken in time, or too many others waited. */
    SLOW_ANSWER("slow-answer"),
    /** 400. */
    MALFORMED("malformed"),
    /** 405. */
    METHOD("method"),
    /** 431. */
    TOO_LARGE("too-large"),
    /** 505. */
    VERSION("version"),
    /** 503: more requests for a page than it keeps waiting. */
    BUSY("busy"),
    /** 503: the page was not there in time. */
    PAGE_LATE("page-late"),
    /** 500. */
    PAGE_FAILED("page-failed");

    private final String label;

    HttpRefusal(String label) {
        this.label = label;
    }

    /** The name in metrics and in the log. */
    public String label() {
        return label;
    }
}
