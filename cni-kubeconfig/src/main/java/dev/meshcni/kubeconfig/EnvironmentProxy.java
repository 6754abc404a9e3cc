// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import dev.meshcni.api.IpNet;
import java.net.InetAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The proxy that {@code HTTPS_PROXY}, {@code HTTP_PROXY} and {@code NO_PROXY} give for a server, as in kubectl. */
final class EnvironmentProxy {
    private EnvironmentProxy() {}

    /** The proxy; none for servers on this machine, and for those of {@code NO_PROXY}. */
    static Optional<String> of(URI server, Map<String, String> environment) {
        String host = host(server);
        if (host.equals("localhost")
                || address(host).filter(InetAddress::isLoopbackAddress).isPresent()) {
            return Optional.empty();
        }
        boolean excluded = Arrays.stream(
                        value(environment, "NO_PROXY").orElse("").split(",", -1))
                .map(entry -> entry.strip().toLowerCase(Locale.ROOT))
                .filter(entry -> !entry.isEmpty())
                .anyMatch(entry -> matches(entry, host, server.getPort()));
        return excluded
                ? Optional.empty()
                : value(environment, server.getScheme().toUpperCase(Locale.ROOT) + "_PROXY");
    }

    /** The host of an address, in lower case and without the brackets of IPv6. */
    static String host(URI uri) {
        String host = uri.getHost().toLowerCase(Locale.ROOT);
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    private static boolean matches(String entry, String host, int port) {
        if (entry.equals("*") || entry.equals(host) || entry.equals(host + ":" + port)) {
            return true;
        }
        Optional<InetAddress> address = address(host);
        if (address.isPresent()) {
            return entry.contains("/")
                    && net(entry).filter(net -> contains(net, address.get())).isPresent();
        }
        String domain = entry.endsWith(":" + port) ? entry.substring(0, entry.lastIndexOf(':')) : entry;
        return host.endsWith(domain.startsWith(".") ? domain : "." + domain) || domain.equals("*." + host);
    }

    private static boolean contains(IpNet net, InetAddress address) {
        byte[] of = net.address().getAddress();
        byte[] other = address.getAddress();
        if (of.length != other.length) {
            return false;
        }
        for (int bit = 0; bit < net.prefixLength(); bit++) {
            int mask = 0x80 >> bit % 8;
            if ((of[bit / 8] & mask) != (other[bit / 8] & mask)) {
                return false;
            }
        }
        return true;
    }

    private static Optional<IpNet> net(String text) {
        try {
            return Optional.of(IpNet.parse(text));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /** The address that a host is, unless it is a name. */
    static Optional<InetAddress> address(String text) {
        try {
            return Optional.of(IpNet.parseAddress(text));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    private static Optional<String> value(Map<String, String> environment, String name) {
        return Stream.of(name, name.toLowerCase(Locale.ROOT))
                .map(environment::get)
                .filter(value -> value != null && !value.isEmpty())
                .findFirst();
    }
}
