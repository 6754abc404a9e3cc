package dev.meshcni.daemon;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;

/** The steps on the machine's own file systems. */
final class DiskSteps implements FileSteps {
    private static final Set<PosixFilePermission> DIRECTORY = PosixFilePermissions.fromString("rwxr-xr-x");
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    @Override
    public void makeDirectory(Path directory) throws IOException {
        Files.createDirectory(directory);
        Files.setPosixFilePermissions(directory, DIRECTORY);
    }

    @Override
    public void write(Path file, byte[] content) throws IOException {
        Files.createFile(file, PRIVATE);
        Files.write(file, content, StandardOpenOption.WRITE);
    }

    /** The owner is ours, and nobody else may write, whatever the source has: root runs what is copied. */
    @Override
    public void copy(Path from, Path to) throws IOException {
        Files.copy(from, to);
        Set<PosixFilePermission> mode = EnumSet.copyOf(Files.getPosixFilePermissions(from));
        mode.remove(PosixFilePermission.GROUP_WRITE);
        mode.remove(PosixFilePermission.OTHERS_WRITE);
        Files.setPosixFilePermissions(to, mode);
        sync(to);
        Files.setLastModifiedTime(to, Files.getLastModifiedTime(from));
    }

    @Override
    public void link(Path link, Path target) throws IOException {
        Files.createSymbolicLink(link, target);
    }

    @Override
    public void look(Path file, FileLook look) throws IOException {
        look.applyTo(file);
    }

    @Override
    public void sync(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void delete(Path path) throws IOException {
        Files.deleteIfExists(path);
    }
}
