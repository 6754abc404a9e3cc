// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.nio.file.Path;

/** Network configuration lists of base CNIs, with other plugins behind them. */
public final class BaseChain {
    private BaseChain() {}

    /**
     * The reference plugin ptp with addresses from a range of each family.
     *
     * @param ipamDirectory where the addresses in use are kept, which else would be machine-wide
     * @param chained the JSON of plugins that run after it
     */
    public static String ptp(Path ipamDirectory, String... chained) {
        String base = """
                {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "%s",
                 "ranges": [[{"subnet": "10.81.0.0/24"}], [{"subnet": "fd00:10:81::/64"}]],
                 "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}""".formatted(ipamDirectory);
        String others = chained.length == 0 ? "" : ", " + String.join(", ", chained);
        return """
                {"cniVersion": "1.0.0", "name": "it", "plugins": [%s%s]}
                """.formatted(base, others);
    }
}
