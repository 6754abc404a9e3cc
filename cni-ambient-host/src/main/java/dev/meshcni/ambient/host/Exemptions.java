// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import java.net.InetAddress;
import java.util.List;
import java.util.Map;

/**
 * A way in which probes are exempt on a host: a set of addresses, and rules that go by it. For one thread at a time.
 */
sealed interface Exemptions permits NftExemptions, IpsetExemptions {
    /** The way, for the log. */
    String description();

    /** The UID for each address in the set; empty if there is no set, and an empty UID for an entry without one. */
    Map<InetAddress, String> entries();

    /** What differs from what should be there beside the entries, a line each. */
    List<String> objections();

    /** Makes the entry of an address this UID's, in one step. */
    void put(InetAddress address, String uid);

    /** Takes out the entry of an address, if it is this UID's. */
    void remove(InetAddress address, String uid);

    /** Makes set and rules what they should be; what is so already is not touched. */
    void restore(Map<InetAddress, String> wanted);

    /** Takes out everything of ours. */
    void removeAll();

    /** What somebody else has put here for the same purpose, a line each. */
    List<String> others();
}
