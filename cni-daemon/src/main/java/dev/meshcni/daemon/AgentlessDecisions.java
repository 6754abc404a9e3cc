// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.meshcni.core.AgentlessDecision;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Brings what plugins decided without the agent into the agent's log: at its start, and from time to time, as a plugin
 * can also fail to reach an agent that is there.
 */
final class AgentlessDecisions implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AgentlessDecisions.class);

    private static final Duration INTERVAL = Duration.ofSeconds(10);

    /** A plugin that had opened the file when it was taken gets this time to write its line. */
    private static final Duration LAST_LINE = Duration.ofMillis(100);

    /** Plugins that write at once can go beyond the file's bound by a line each. */
    private static final int LONGEST_READ = 2 * AgentlessDecision.LONGEST_FILE;

    private final Path directory;
    private final ScheduledExecutorService worker = Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("plugin-log").factory());

    private AgentlessDecisions(Path directory) {
        this.directory = requireNonNull(directory, "directory is null");
    }

    /** Starts to take what plugins leave in a run directory. */
    static AgentlessDecisions start(Path runDirectory) {
        AgentlessDecisions decisions = new AgentlessDecisions(runDirectory);
        Future<?> _ = decisions.worker.scheduleWithFixedDelay(
                decisions::round, 0, INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
        return decisions;
    }

    /** Logs what is there now, and removes it. A file is taken by a rename, so no two agents log the same. */
    void take() throws IOException, InterruptedException {
        for (Path file : files()) {
            Path taken = directory.resolve(AgentlessDecision.FILE_NAME + "." + UUID.randomUUID());
            try {
                Files.move(file, taken, StandardCopyOption.ATOMIC_MOVE);
                Thread.sleep(LAST_LINE);
                log(taken);
                Files.delete(taken);
            } catch (NoSuchFileException e) {
                LOG.debug("{} was already taken by another agent", file);
            }
        }
    }

    @Override
    public void close() {
        worker.close();
    }

    private void round() {
        try {
            take();
        } catch (IOException e) {
            LOG.warn("cannot read decisions that plugins made without the agent: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The file, and those that an agent had taken when it was killed. */
    private List<Path> files() throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries =
                Files.newDirectoryStream(directory, AgentlessDecision.FILE_NAME + "{,.*}")) {
            entries.forEach(files::add);
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        files.removeIf(file -> !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS));
        return files;
    }

    private static void log(Path file) throws IOException {
        byte[] content;
        try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            content = in.readNBytes(LONGEST_READ);
        }
        new String(content, UTF_8)
                .lines()
                .filter(line -> !line.isEmpty())
                .forEach(line -> AgentlessDecision.parse(line)
                        .ifPresentOrElse(
                                AgentlessDecisions::log,
                                () -> LOG.warn("invalid line in plugin.log ({} characters), ignored", line.length())));
        if (content.length >= AgentlessDecision.LONGEST_FILE) {
            LOG.warn("plugin.log is full: later decisions made while the agent was away are not recorded");
        }
    }

    private static void log(AgentlessDecision decision) {
        LOG.atLevel(level(decision))
                .addKeyValue("command", decision.command())
                .addKeyValue("pod", decision.pod())
                .addKeyValue("outcome", decision.outcome().label())
                .addKeyValue("at", decision.time())
                .log("while the agent was away: " + decision.reason());
    }

    private static Level level(AgentlessDecision decision) {
        return switch (decision.level()) {
            case DEBUG, TRACE, ALL -> Level.DEBUG;
            case INFO, OFF -> Level.INFO;
            case WARNING -> Level.WARN;
            case ERROR -> Level.ERROR;
        };
    }
}
