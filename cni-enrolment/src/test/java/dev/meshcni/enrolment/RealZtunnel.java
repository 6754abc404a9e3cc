// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * ztunnel itself, whose binary the environment variable {@code ZTUNNEL} names; built with its feature {@code testing}
 * it needs no istiod. It runs in a namespace of its own, as its administrative ports are taken once in each.
 */
final class RealZtunnel implements AutoCloseable {
    private static final String BINARY = System.getenv().getOrDefault("ZTUNNEL", "");

    private final Path log;
    private final TestPodNetns netns = TestPodNetns.host();
    private final Process process;

    /** @param mesh what istiod would tell it, a file of its own format */
    RealZtunnel(Path directory, String name, Path socket, Path mesh) throws IOException {
        this.log = directory.resolve(name + ".log");
        ProcessBuilder builder = new ProcessBuilder("ip", "netns", "exec", netns.name(), BINARY, "proxy", "ztunnel")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment()
                .putAll(Map.of(
                        "PROXY_MODE", "shared",
                        "INPOD_UDS", socket.toString(),
                        "FAKE_CA", "true",
                        "XDS_ADDRESS", "",
                        "LOCAL_XDS_PATH", mesh.toString(),
                        "NODE_NAME", "node-a",
                        "CLUSTER_ID", "cluster1",
                        "RUST_LOG", "info"));
        this.process = builder.start();
    }

    static void require() {
        assumeTrue(!BINARY.isEmpty(), "needs ztunnel: set ZTUNNEL to its binary, built with the feature testing");
    }

    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Has it end as the kubelet does: it closes its listeners, and lets connections finish. */
    void drain() {
        process.destroy();
    }

    void kill() {
        process.destroyForcibly();
    }

    @Override
    public void close() {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            netns.close();
        }
    }
}
