// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/** The resolvers that a pod asks, {@code resolv.conf(5)}. */
final class ResolvConf {
    private ResolvConf() {}

    /** The addresses of its resolvers, separated by commas; empty if it names none. */
    static String servers(Path file) {
        try {
            return Files.readString(file, UTF_8)
                    .lines()
                    .map(line -> line.strip().split("\\s+"))
                    .filter(words -> words.length > 1 && words[0].equals("nameserver"))
                    .map(words -> withoutZone(words[1]))
                    .collect(Collectors.joining(","));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the DNS servers of this pod from " + file, e);
        }
    }

    /** Rules know addresses, not interfaces: fe80::1%eth0 becomes fe80::1. */
    private static String withoutZone(String address) {
        int percent = address.indexOf('%');
        return percent < 0 ? address : address.substring(0, percent);
    }
}
