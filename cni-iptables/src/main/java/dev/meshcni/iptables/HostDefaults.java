// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where {@link TrafficSettings} looks for what was not said.
 *
 * @param accounts users and groups by name
 * @param resolvConf the resolvers, if they are to be looked up
 * @param proxyUser the name of the proxy's user, if it is to be looked up
 */
record HostDefaults(Accounts accounts, Optional<Path> resolvConf, Optional<String> proxyUser) {
    HostDefaults {
        requireNonNull(accounts, "accounts is null");
        requireNonNull(resolvConf, "resolvConf is null");
        requireNonNull(proxyUser, "proxyUser is null");
    }

    /** Those of this pod or machine. */
    static HostDefaults ofSystem() {
        return new HostDefaults(
                Accounts.ofSystem(), Optional.of(Path.of("/etc/resolv.conf")), Optional.of("istio-proxy"));
    }

    /** None: only what is named is looked up. */
    static HostDefaults ofDryRun() {
        return new HostDefaults(Accounts.ofSystem(), Optional.empty(), Optional.empty());
    }
}
