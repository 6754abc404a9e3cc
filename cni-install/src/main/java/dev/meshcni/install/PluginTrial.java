// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.VersionInfo;
import dev.meshcni.core.OneLine;
import dev.meshcni.host.linux.HostProgram;
import dev.meshcni.host.linux.ProgramCall;
import dev.meshcni.host.linux.ProgramOutcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the plugin as the node's container runtime would, in the host's mount namespace, with VERSION (CNI specification
 * 1.1, section 4): it changes nothing.
 */
public final class PluginTrial implements AutoCloseable {
    /** The first process of the node, if its {@code /proc} is mounted in our container. */
    private static final Path HOST_INIT = Path.of("/host/proc/1");

    /** The time that a successful test run of the plugin stays valid. */
    static final Duration VALID = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(PluginTrial.class);
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    private static final String QUESTION = "{\"cniVersion\":\"1.0.0\"}";
    private static final int LONGEST_QUOTE = 300;

    private final HostProgram host;
    private final Path binDir;
    private final Path binDirOnHost;
    private final LongSupplier nanoTime;
    private Optional<Success> lastSuccess = Optional.empty();
    private Optional<Verdict> lastUnknown = Optional.empty();

    /** The outcome of a test run. */
    public sealed interface Verdict {
        /** It has answered. */
        record Works() implements Verdict {}

        /**
         * It could not be tried.
         *
         * @param reason why
         */
        record Unknown(String reason) implements Verdict {}

        /**
         * A runtime cannot use it.
         *
         * @param reason what happened, and what to do about it
         * @param certain whether the next attempt would end in the same way; a machine without memory or time is
         *     another matter
         */
        record Broken(String reason, boolean certain) implements Verdict {}
    }

    private record Success(Object file, long nanos) {}

    /**
     * Trials.
     *
     * @param host where the programs are started
     * @param binDir the node's directory of plugins as it is seen here
     * @param binDirOnHost the same as the programs see it
     * @param nanoTime a monotonic clock, such as {@link System#nanoTime}
     */
    PluginTrial(HostProgram host, Path binDir, Path binDirOnHost, LongSupplier nanoTime) {
        this.host = requireNonNull(host, "host is null");
        this.binDir = requireNonNull(binDir, "binDir is null");
        this.binDirOnHost = requireNonNull(binDirOnHost, "binDirOnHost is null");
        this.nanoTime = requireNonNull(nanoTime, "nanoTime is null");
    }

    /**
     * Programs as the runtime of this node starts them: on the host, which without its {@code /proc} must be where we
     * are. Whether its namespace may be entered is found out with the first one, so that a missing capability is not
     * taken for a missing host.
     */
    static HostProgram ofNode() {
        return Files.isDirectory(HOST_INIT) ? HostProgram.in(HOST_INIT.resolve("ns/mnt")) : HostProgram.inOwnMounts();
    }

    /**
     * Tries a program, unless it worked a moment ago.
     *
     * @param program its path within the directory of plugins
     */
    Verdict recent(Path program) {
        Optional<Object> file = file(program);
        boolean stillValid = lastSuccess
                .filter(success -> file.equals(Optional.of(success.file())))
                .filter(success -> nanoTime.getAsLong() - success.nanos() < VALID.toNanos())
                .isPresent();
        return stillValid ? new Verdict.Works() : now(program);
    }

    /** Tries a program. */
    public Verdict now(Path program) {
        Optional<Object> file = file(program);
        if (file.isEmpty()) {
            return new Verdict.Unknown(binDir.resolve(program) + " does not exist");
        }
        Verdict verdict = verdict(host.run(new ProgramCall(
                binDirOnHost.resolve(program),
                file,
                Map.of("CNI_COMMAND", "VERSION", "CNI_PATH", binDirOnHost.toString()),
                QUESTION,
                DEADLINE)));
        if (verdict instanceof Verdict.Works) {
            lastSuccess = Optional.of(new Success(file.get(), nanoTime.getAsLong()));
        }
        if (verdict instanceof Verdict.Unknown unknown && !lastUnknown.equals(Optional.of(verdict))) {
            lastUnknown = Optional.of(verdict);
            LOG.warn("cannot test the plugin on the host before runtimes call it: {}", unknown.reason());
        }
        return verdict;
    }

    /** Ends a trial that is under way, and all later ones at once. */
    @Override
    public void close() {
        host.close();
    }

    private Optional<Object> file(Path program) {
        try {
            return Optional.ofNullable(Files.readAttributes(binDir.resolve(program), BasicFileAttributes.class)
                    .fileKey());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private Verdict verdict(ProgramOutcome outcome) {
        return switch (outcome) {
            case ProgramOutcome.Ended ended -> verdict(ended);
            case ProgramOutcome.Refused refused -> verdict(refused);
            case ProgramOutcome.NotEntered not ->
                new Verdict.Unknown("the host's mount namespace cannot be entered: " + not.reason()
                        + "; the daemon's pod needs the host's /proc at /host/proc and the capabilities SYS_ADMIN,"
                        + " SYS_CHROOT"
                        + " and SYS_PTRACE");
            case ProgramOutcome.Signalled signalled ->
                doubtful("it was terminated by signal " + signalled.signal()
                        + "; check the node's kernel log and memory");
            case ProgramOutcome.Late late ->
                doubtful("it did not answer within " + late.deadline().toSeconds() + " s"
                        + (late.stuck() ? " and cannot be killed; check the file system of " + binDirOnHost : ""));
            case ProgramOutcome.Cancelled _ -> doubtful("this daemon is stopping");
        };
    }

    private static Verdict verdict(ProgramOutcome.Ended ended) {
        if (ended.exitCode() != 0) {
            return doubtful("exit code " + ended.exitCode() + ": " + quote(ended.output() + ' ' + ended.errors()));
        }
        try {
            VersionInfo.parse(CniJson.object(ended.output().getBytes(UTF_8)));
            return new Verdict.Works();
        } catch (CniException e) {
            return doubtful("unexpected answer to VERSION: " + quote(ended.output()));
        }
    }

    private Verdict verdict(ProgramOutcome.Refused refused) {
        return switch (refused.refusal()) {
            case MISSING, ANOTHER_FILE ->
                new Verdict.Unknown("the host has a different file at this path: " + refused.detail()
                        + "; set --cni-bin-dir-on-host to the host's path of " + binDir);
            case NOEXEC ->
                new Verdict.Broken(
                        "its file system is mounted noexec: " + refused.detail() + "; mount it without noexec, or "
                                + InstallErrors.OTHER_BIN_DIR,
                        true);
            case NO_LOADER ->
                new Verdict.Broken(
                        "its interpreter or dynamic linker does not exist on the host: " + refused.detail()
                                + "; use the official image, whose plugin is statically linked",
                        true);
            case FOREIGN ->
                new Verdict.Broken(
                        "it is not an executable for this architecture: " + refused.detail()
                                + "; use the image for this node's architecture",
                        true);
            case NOT_PERMITTED ->
                new Verdict.Broken(
                        "no permission to execute it: " + refused.detail() + "; check its mode, SELinux and AppArmor",
                        true);
            case OTHER -> doubtful(refused.detail());
        };
    }

    private static Verdict doubtful(String reason) {
        return new Verdict.Broken(reason, false);
    }

    private static String quote(String text) {
        String line = OneLine.of(text.strip());
        return line.isBlank() ? "nothing" : line.substring(0, Math.min(line.length(), LONGEST_QUOTE));
    }
}
