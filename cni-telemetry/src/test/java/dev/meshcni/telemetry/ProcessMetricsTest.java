// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessMetricsTest {
    @TempDir
    private Path directory;

    @Test
    void thisProcessIsMeasured() throws IOException {
        PrometheusRegistry registry = new PrometheusRegistry();
        ProcessMetrics.register(registry);

        Map<String, Double> metrics = scrape(registry);

        assertThat(metrics.get("process_cpu_seconds_total")).isPositive();
        assertThat(metrics.get("process_threads")).isGreaterThan(1);
        assertThat(metrics.get("process_open_fds")).isGreaterThan(2).isLessThan(metrics.get("process_max_fds"));
        assertThat(metrics.get("process_resident_memory_bytes"))
                .isGreaterThan(1 << 20)
                .isLessThan(metrics.get("process_virtual_memory_bytes"));
        assertThat(metrics.get("process_start_time_seconds"))
                .isBetween((double) Instant.now().minusSeconds(3600).getEpochSecond(), (double)
                        Instant.now().getEpochSecond());
        assertThat(metrics.get("jvm_memory_used_bytes{area=\"heap\"}"))
                .isPositive()
                .isLessThanOrEqualTo(metrics.get("jvm_memory_max_bytes{area=\"heap\"}"));
        assertThat(metrics.keySet()).anyMatch(name -> name.startsWith("jvm_runtime_info{"));
    }

    @Test
    void valuesAreThoseOfTheKernelsFiles() throws IOException {
        Files.writeString(
                directory.resolve("status"), "Name:\tjava\nVmSize:\t  200 kB\nVmRSS:\t  100 kB\nThreads:\t7\n");
        Files.writeString(
                directory.resolve("limits"), "Limit  Soft Limit  Hard Limit  Units\nMax open files  64  128  files\n");
        Files.createDirectory(directory.resolve("fd"));
        for (int fd = 0; fd < 4; fd++) {
            Files.createFile(directory.resolve("fd").resolve(String.valueOf(fd)));
        }
        PrometheusRegistry registry = new PrometheusRegistry();
        ProcessMetrics.register(directory, registry);

        assertThat(scrape(registry))
                .containsEntry("process_virtual_memory_bytes", 204_800.0)
                .containsEntry("process_resident_memory_bytes", 102_400.0)
                .containsEntry("process_threads", 7.0)
                .containsEntry("process_max_fds", 64.0)
                .containsEntry("process_open_fds", 3.0);
    }

    @Test
    void whatCannotBeReadHasNoMetric() throws IOException {
        PrometheusRegistry registry = new PrometheusRegistry();
        ProcessMetrics.register(directory.resolve("nothing"), registry);

        assertThat(scrape(registry))
                .doesNotContainKeys("process_threads", "process_open_fds", "process_resident_memory_bytes")
                .containsKey("process_cpu_seconds_total");
    }

    private static Map<String, Double> scrape(PrometheusRegistry registry) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrometheusTextFormatWriter.create().write(out, registry.scrape());
        return out.toString(UTF_8)
                .lines()
                .filter(line -> !line.startsWith("#"))
                .collect(Collectors.toMap(
                        line -> line.substring(0, line.lastIndexOf(' ')),
                        line -> Double.valueOf(line.substring(line.lastIndexOf(' ') + 1))));
    }
}
