package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** Writes {@code bin/}: POSIX shell scripts, which find the tree they stand in and become the JVM. */
record Launchers(Path templates) {
    private static final String OPTIONS = "@options@";

    Launchers {
        requireNonNull(templates, "templates is null");
    }

    void write(Path dist) throws IOException {
        Path bin = Files.createDirectories(dist.resolve("bin"));
        for (Program program : Program.ALL) {
            Path own = templates.resolve(program.fileName());
            String template = Files.readString(Files.exists(own) ? own : templates.resolve("program"), UTF_8);
            Path launcher = bin.resolve(program.fileName());
            Files.writeString(launcher, template.replace(OPTIONS, options(program)), UTF_8);
            Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    /** The JVM's arguments as the script says them, one a line. */
    private static String options(Program program) {
        List<String> options = new ArrayList<>(program.options());
        if (program.modulePath()) {
            options.add("-p \"$home/lib\"");
        }
        options.add("-m " + program.mainClass());
        return String.join(" \\\n  ", options);
    }
}
