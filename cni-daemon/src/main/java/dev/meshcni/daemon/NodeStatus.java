// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.api.chain.ChainAdapters.Choice;
import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.install.Installer;
import dev.meshcni.install.InstallerSettings;
import dev.meshcni.install.conf.ConfInstaller;
import dev.meshcni.telemetry.AgentStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The status of this daemon's node; reads the disk at most once every few seconds, however often it is queried. */
final class NodeStatus implements Supplier<AgentStatus> {
    private static final Duration FRESH = Duration.ofSeconds(5);

    private final Supplier<Optional<String>> notReady;
    private final String backend;
    private final IntSupplier pods;
    private Optional<Installer> installer = Optional.empty();
    private Optional<Observation> last = Optional.empty();
    private final List<Supplier<List<Finding>>> further = new ArrayList<>();

    private record Observation(AgentStatus.Installation installation, List<Finding> findings, long nanos) {
        boolean isFresh() {
            return System.nanoTime() - nanos < FRESH.toNanos();
        }
    }

    /**
     * @param notReady why the node is not ready for pods; empty when it is
     * @param backend what redirects
     * @param pods the number of pods that are known
     */
    NodeStatus(Supplier<Optional<String>> notReady, String backend, IntSupplier pods) {
        this.notReady = requireNonNull(notReady, "notReady is null");
        this.backend = requireNonNull(backend, "backend is null");
        this.pods = requireNonNull(pods, "pods is null");
    }

    /** From now on the installation is part of it. */
    synchronized void installedBy(Installer work) {
        installer = Optional.of(work);
    }

    /** From now on these are findings as well, such as permissions that are missing. */
    synchronized void findingsBy(Supplier<List<Finding>> findings) {
        further.add(findings);
    }

    @Override
    public synchronized AgentStatus get() {
        last = last.filter(Observation::isFresh).or(() -> installer.map(NodeStatus::observe));
        return new AgentStatus(
                ProductVersion.text(),
                notReady.get(),
                backend,
                pods.getAsInt(),
                last.map(Observation::installation),
                Stream.concat(
                                further.stream().flatMap(findings -> findings.get().stream()),
                                last.map(Observation::findings).stream().flatMap(List::stream))
                        .toList());
    }

    private static Observation observe(Installer installer) {
        InstallerSettings settings = installer.settings();
        try {
            ConfInstaller.Assessment assessment = installer.conf().assess();
            Optional<Choice> choice = assessment.choice();
            return new Observation(
                    installation(
                            settings,
                            ChainedConf.baseType(assessment.dir(), settings.conf())
                                    .orElse(""),
                            choice.map(found -> found.adapter().name()).orElse(""),
                            choice.map(found -> found.detection().file()).orElse("")),
                    installer.findings(assessment),
                    System.nanoTime());
        } catch (IOException e) {
            Finding finding =
                    Finding.error(settings.confDir() + " cannot be read: " + e, "check the directory on the node");
            return new Observation(installation(settings, "", "", ""), List.of(finding), System.nanoTime());
        }
    }

    private static AgentStatus.Installation installation(
            InstallerSettings settings, String baseCni, String adapter, String file) {
        return new AgentStatus.Installation(
                baseCni,
                adapter,
                file,
                settings.conf().chained(),
                settings.confDirOnHost().toString(),
                settings.binDirOnHost().toString());
    }
}
