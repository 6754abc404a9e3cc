package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** The files of {@code bin/}: POSIX shell scripts, which find the tree they stand in and become the JVM. */
final class Launchers {
    private static final String JVM_ARGUMENTS = "@jvm-arguments@";
    private static final String HEAP = "@heap@";

    private Launchers() {}

    /** Writes them from {@code templates}: a file of the program's own name, or the one named {@code program}. */
    static void write(Path templates, Path dist) throws IOException {
        Path bin = Files.createDirectories(dist.resolve("bin"));
        for (Program program : Program.ALL) {
            Path own = templates.resolve(program.fileName());
            String template = Files.readString(Files.exists(own) ? own : templates.resolve("program"), UTF_8);
            Path launcher = bin.resolve(program.fileName());
            Files.writeString(launcher, filled(template, program), UTF_8);
            Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    private static String filled(String template, Program program) {
        boolean choosesHeap = template.contains(HEAP);
        String arguments = jvmArguments(program);
        return template.replace(HEAP, Program.DAEMON_HEAP)
                .replace(JVM_ARGUMENTS, choosesHeap ? arguments.replace(Program.DAEMON_HEAP, "\"$heap\"") : arguments);
    }

    private static String jvmArguments(Program program) {
        List<String> lines = new ArrayList<>(program.options());
        lines.add("\"-XX:AOTCache=$home/" + program.cache() + '"');
        lines.add("-m " + program.mainClass());
        return String.join(" \\\n  ", lines);
    }
}
