// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.doctor.Check.Verdict;
import dev.meshcni.testkit.FakeApiServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * {@code meshcni doctor --cluster} against a fake API server.
 *
 * @param directory where the kubeconfig is written
 */
record DoctorRun(FakeApiServer server, Path directory) {
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(2);

    ClusterReport examine() throws IOException {
        return examine(Optional.empty());
    }

    ClusterReport examine(Optional<String> namespace) throws IOException {
        return ClusterDoctor.examine(settings("test", namespace));
    }

    ClusterSettings settings(String context, Optional<String> namespace) throws IOException {
        return new ClusterSettings(
                Optional.of(server.kubeconfig(directory)), Optional.of(context), namespace, REQUEST_TIMEOUT);
    }

    /** The report as {@code verdict subject: what}. */
    List<String> lines() throws IOException {
        return lines(examine());
    }

    /** Asserts that something is said, and with which verdict. */
    void says(Verdict verdict, String text) throws IOException {
        ClusterReport report = examine();
        List<Check> said = report.subjects().stream()
                .flatMap(subject -> subject.checks().stream())
                .filter(check -> check.what().contains(text))
                .toList();
        assertThat(said)
                .as(String.join("\n", lines(report)))
                .isNotEmpty()
                .allMatch(check -> check.verdict() == verdict);
        assertThat(report.hasErrors() || verdict != Verdict.ERROR).isTrue();
    }

    static List<String> lines(ClusterReport report) {
        return report.subjects().stream()
                .flatMap(subject -> subject.checks().stream()
                        .map(check -> check.verdict().name().toLowerCase(Locale.ROOT) + " " + subject.title() + ": "
                                + check.what()))
                .toList();
    }
}
