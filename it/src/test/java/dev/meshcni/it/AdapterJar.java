// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.spi.ToolProvider;

/** A chain adapter of somebody else's in a jar, compiled against what the distribution holds. */
public final class AdapterJar {
    /** The class in it. */
    static final String ADAPTER = "org.example.weave.WeaveAdapter";

    private static final String MODULE = """
            module org.example.weave {
                requires dev.meshcni.api;

                provides dev.meshcni.api.spi.ChainAdapter with
                        org.example.weave.WeaveAdapter;
            }
            """;

    private static final String SOURCE = """
            package org.example.weave;

            import dev.meshcni.api.conf.ConfDirSnapshot;
            import dev.meshcni.api.spi.ChainAdapter;
            import dev.meshcni.api.conf.Detection;
            import dev.meshcni.api.conf.InstallSettings;

            public final class WeaveAdapter implements ChainAdapter {
                @Override
                public String name() {
                    return "weave";
                }

                @Override
                public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
                    return Detection.none();
                }
            }
            """;

    private AdapterJar() {}

    /** Makes it in a directory of its own, and returns that. */
    public static Path in(Path directory) {
        try {
            Path sources = Files.createDirectories(directory.resolve("weave"));
            Path module = Files.writeString(sources.resolve("module-info.java"), MODULE);
            Path source = Files.writeString(sources.resolve("WeaveAdapter.java"), SOURCE);
            Path classes = sources.resolve("classes");
            run("javac", "--system", Dist.root().resolve("runtime"), "-d", classes, module, source);
            Path jars = Files.createDirectory(directory.resolve("jars"));
            run("jar", "--create", "--file", jars.resolve("weave.jar"), "-C", classes, ".");
            return jars;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void run(String tool, Object... arguments) {
        String[] line = new String[arguments.length];
        for (int i = 0; i < line.length; i++) {
            line[i] = arguments[i].toString();
        }
        int exit = ToolProvider.findFirst(tool).orElseThrow().run(System.out, System.err, line);
        if (exit != 0) {
            throw new IllegalStateException(tool + " exited with " + exit);
        }
    }
}
