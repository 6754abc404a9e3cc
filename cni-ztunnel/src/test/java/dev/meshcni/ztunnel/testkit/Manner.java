// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel.testkit;

/** How a {@link FakeZtunnel} treats one request. */
public enum Manner {
    /** As ztunnel does. */
    PROPER,
    /** An add fails, as where a port is taken; it is tried again by the fake itself, with the next request. */
    REFUSING,
    /** Does it and never says so. */
    SILENT,
    /** Neither does it nor says anything. */
    DEAF,
    /** Does it, and says so when the agent has given up. */
    LATE,
    /** Says it twice. */
    TWICE,
    /** Says the first byte of it. */
    CUT,
    /** Says more than anybody reads. */
    ENDLESS,
    /** Says something else. */
    BESIDE_THE_POINT,
    /** Says it with a file that nobody has asked for. */
    WITH_A_FILE,
    /** Goes away before it has done it, with all proxies. */
    DYING_BEFORE,
    /** Goes away when it has done it, with all proxies. */
    DYING_AFTER,
    /** Closes the connection and keeps its proxies. */
    HANGING_UP
}
