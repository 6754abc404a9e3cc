// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * An installer as a process of its own that has stopped at a step of its work, in its turn, and is killed when this is
 * closed.
 */
final class InstallerProcess implements AutoCloseable {
    private static final String MODULE = "dev.meshcni.install";

    private final Process process;

    private InstallerProcess(Process process) {
        this.process = process;
    }

    /** Starts it on a node, and returns when it has come to the step. */
    static InstallerProcess stoppedAt(int step, Path node, InstallerWork work) throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "--module-path",
                        System.getProperty("jdk.module.path"),
                        "--class-path",
                        System.getProperty("java.class.path"),
                        "--add-reads",
                        MODULE + "=ALL-UNNAMED",
                        "--patch-module",
                        MODULE + "="
                                + Path.of("../cni-install/target/test-classes").toAbsolutePath(),
                        "--add-modules",
                        "ALL-MODULE-PATH",
                        "--enable-native-access=dev.meshcni.host.linux",
                        "--module",
                        MODULE + "/" + InstallerWork.class.getName(),
                        node.toString(),
                        work.name(),
                        Integer.toString(step))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        InstallerProcess installer = new InstallerProcess(process);
        try (BufferedReader output = process.inputReader()) {
            String line = output.readLine();
            if (!InstallerWork.READY_TO_DIE.equals(line)) {
                throw new IllegalStateException("the installer did not come to step " + step + ": " + line);
            }
            return installer;
        } catch (IOException | RuntimeException e) {
            installer.close();
            throw e;
        }
    }

    long pid() {
        return process.pid();
    }

    /** SIGKILL. */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                throw new IllegalStateException("process " + process.pid() + " survived SIGKILL");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
