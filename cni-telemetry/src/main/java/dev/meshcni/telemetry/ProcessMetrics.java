// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The metrics of the process and its JVM, under the names of Prometheus's own clients. They come from {@code proc(5)}
 * and {@code java.base}: the distribution's JVM is without {@code java.management}, so that what needs it, such as the
 * time of collections, is not among them.
 */
final class ProcessMetrics {
    private static final double SECOND = 1e9;
    private static final int KIBIBYTE = 1 << 10;

    private final Path process;
    private final PrometheusRegistry registry;

    private ProcessMetrics(Path process, PrometheusRegistry registry) {
        this.process = process;
        this.registry = registry;
    }

    /** Adds them to the metrics that are served. */
    static void register(PrometheusRegistry registry) {
        register(Path.of("/proc/self"), registry);
    }

    /** The same for a process whose directory is elsewhere; a file that cannot be read has no metric. */
    static void register(Path process, PrometheusRegistry registry) {
        ProcessMetrics metrics = new ProcessMetrics(process, registry);
        metrics.ofTheProcess();
        metrics.ofTheJvm();
    }

    private void ofTheProcess() {
        ProcessHandle.Info info = ProcessHandle.current().info();
        CounterWithCallback.builder()
                .name("process_cpu_seconds_total")
                .help("User and system CPU time, in seconds")
                .callback(callback -> ProcessHandle.current()
                        .info()
                        .totalCpuDuration()
                        .map(Duration::toNanos)
                        .ifPresent(time -> callback.call(time / SECOND)))
                .register(registry);
        gauge(
                "process_start_time_seconds",
                "Time of the start, in seconds since 1970",
                () -> info.startInstant()
                        .map(Instant::getEpochSecond)
                        .map(OptionalLong::of)
                        .orElse(OptionalLong.empty()));
        gauge(
                "process_resident_memory_bytes",
                "Resident memory, in bytes",
                () -> bytes(field(process.resolve("status"), "VmRSS:")));
        gauge(
                "process_virtual_memory_bytes",
                "Virtual memory, in bytes",
                () -> bytes(field(process.resolve("status"), "VmSize:")));
        gauge("process_threads", "Threads", () -> field(process.resolve("status"), "Threads:"));
        gauge("process_open_fds", "Open file descriptors", this::openFiles);
        gauge(
                "process_max_fds",
                "Maximum number of open file descriptors",
                () -> field(process.resolve("limits"), "Max open files"));
    }

    private void ofTheJvm() {
        Runtime runtime = Runtime.getRuntime();
        heap("jvm_memory_used_bytes", "Memory in use, including garbage, in bytes", HeapWatch::used);
        heap("jvm_memory_committed_bytes", "Memory that the JVM has of the machine, in bytes", runtime::totalMemory);
        heap("jvm_memory_max_bytes", "Maximum memory, in bytes", runtime::maxMemory);
        Info.builder()
                .name("jvm_runtime_info")
                .help("JVM: version, vendor and name")
                .labelNames("version", "vendor", "runtime")
                .register(registry)
                .setLabelValues(
                        System.getProperty("java.runtime.version", "unknown"),
                        System.getProperty("java.vm.vendor", "unknown"),
                        System.getProperty("java.runtime.name", "unknown"));
    }

    private void heap(String name, String help, Supplier<Long> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .labelNames("area")
                .callback(callback -> callback.call(value.get().doubleValue(), "heap"))
                .register(registry);
    }

    private void gauge(String name, String help, Supplier<OptionalLong> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(callback -> value.get().ifPresent(found -> callback.call((double) found)))
                .register(registry);
    }

    private OptionalLong openFiles() {
        try (Stream<Path> files = Files.list(process.resolve("fd"))) {
            // One of them lists the others.
            return OptionalLong.of(files.count() - 1);
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }

    private static OptionalLong bytes(OptionalLong kibibytes) {
        return kibibytes.isPresent() ? OptionalLong.of(kibibytes.getAsLong() * KIBIBYTE) : kibibytes;
    }

    /** The first number of the line that begins with a name. */
    private static OptionalLong field(Path file, String name) {
        try (Stream<String> lines = Files.lines(file, UTF_8)) {
            return lines.filter(line -> line.startsWith(name))
                    .map(line -> line.substring(name.length()).strip().split("\\s+", -1)[0])
                    .filter(number -> number.chars().allMatch(Character::isDigit))
                    .mapToLong(Long::parseLong)
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }
}
