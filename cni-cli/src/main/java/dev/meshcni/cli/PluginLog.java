package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.core.AgentlessDecision;
import dev.meshcni.host.linux.RootPath;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * The file in the agent's run directory that holds what the plugin decided without the agent, until the agent takes it
 * (docs/decisions/0015-what-the-plugin-decides-alone-is-told-later.md). It is root's alone, and bounded.
 */
final class PluginLog {
    private static final FileAttribute<Set<PosixFilePermission>> FILE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    private static final FileAttribute<Set<PosixFilePermission>> DIRECTORY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private PluginLog() {}

    /**
     * Adds a decision, in one write(2) to a file that is opened for appending, so that plugins which write at once tear no
     * line. The line has an end before it as well: one that a full disk cut short spoils no other.
     */
    static void append(Path runDirectory, AgentlessDecision decision) throws IOException {
        if (decision.command().equals("ADD")) {
            makeAfterReboot(runDirectory);
        }
        // Where others can write they could have put something else in the file's place, such as a pipe.
        Path file = RootPath.privateDirectory(runDirectory).resolve(AgentlessDecision.FILE_NAME);
        Set<OpenOption> options = Set.of(
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                StandardOpenOption.APPEND,
                LinkOption.NOFOLLOW_LINKS);
        try (FileChannel log = FileChannel.open(file, options, FILE)) {
            if (log.size() < AgentlessDecision.LONGEST_FILE) {
                log.write(ByteBuffer.wrap(('\n' + decision.line() + '\n').getBytes(UTF_8)));
            }
        }
    }

    /** The directory is in memory on most nodes, and the first pods come before the agent that would make it. */
    private static void makeAfterReboot(Path runDirectory) throws IOException {
        try {
            Files.createDirectory(runDirectory, DIRECTORY);
        } catch (FileAlreadyExistsException | NoSuchFileException e) {
            // It is there; or what it is in is not, and then there is no agent to tell.
            return;
        }
    }
}
