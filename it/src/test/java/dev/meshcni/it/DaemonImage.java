// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.time.Duration;

/** The daemon's image, made from the distribution by the project's own script. */
final class DaemonImage {
    private static final Path PROJECT = Path.of("..").toAbsolutePath().normalize();
    private static final Path ARCHIVE = PROJECT.resolve("target/image/mesh-cni.tar");
    private static final Duration BUILD_TIME = Duration.ofMinutes(5);

    private DaemonImage() {}

    /** Makes it and returns its archive; skips the test where Debian's packages, which it is made of, cannot be had. */
    static Path build() {
        Dist.needed();
        Machine.needs("apt-get", "apt-cache", "dpkg-deb");
        Command.Result built = Command.of(PROJECT.resolve("deploy/image/build").toString())
                .within(BUILD_TIME)
                .result();
        assumeTrue(
                built.succeeded() || !built.err().contains("cannot fetch"),
                () -> "needs Debian's packages: " + built.err());
        assertThat(built.succeeded()).as(built.err()).isTrue();
        return ARCHIVE;
    }
}
