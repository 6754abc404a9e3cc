// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.spi.ChainAdapter;
import dev.meshcni.config.DaemonException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jars that somebody else has made and dropped into a directory. */
class ChainAdapterJarsTest {
    private static final String MODULE = """
            module org.example.weave {
                requires dev.meshcni.api;
                provides dev.meshcni.api.spi.ChainAdapter with org.example.weave.WeaveAdapter;
            }
            """;

    private static final String ADAPTER = """
            package org.example.weave;

            import dev.meshcni.api.conf.ConfDirSnapshot;
            import dev.meshcni.api.conf.*;
            import dev.meshcni.api.spi.*;

            public final class WeaveAdapter implements ChainAdapter {
                public String name() {
                    return "weave";
                }

                public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
                    return Detection.certain("10-weave.conflist", "it is a test");
                }
            }
            """;

    @TempDir
    private Path root;

    @Test
    void anAdapterInAJarIsFoundWithoutARebuild() throws Exception {
        jar(MODULE, ADAPTER);

        ChainAdapters adapters = ChainAdapterJars.load(Optional.of(jars()));

        assertThat(adapters.named("weave")).map(ChainAdapter::name).hasValue("weave");
    }

    /** The kubelet mounts a ConfigMap as links to files in a hidden directory, which it exchanges as a whole. */
    @Test
    void aDirectoryThatIsAMountedConfigMapWorksToo() throws Exception {
        jar(MODULE, ADAPTER);
        Path data = Files.createDirectory(jars().resolve("..2026_01_01_00_00_00.1"));
        Files.move(jars().resolve("weave.jar"), data.resolve("weave.jar"));
        Files.createSymbolicLink(jars().resolve("..data"), data.getFileName());
        Files.createSymbolicLink(jars().resolve("weave.jar"), Path.of("..data/weave.jar"));

        assertThat(ChainAdapterJars.load(Optional.of(jars())).named("weave")).isPresent();
        assertThat(ChainAdapterJars.idle(jars())).isEmpty();
    }

    @Test
    void aJarWithoutAnAdapterIsNamedAndChangesNothing() throws Exception {
        jar(MODULE.replaceFirst("provides .*;", ""), ADAPTER);

        assertThat(ChainAdapterJars.idle(jars())).containsExactly(jars().resolve("weave.jar"));
        assertThat(ChainAdapterJars.load(Optional.of(jars())).named("weave")).isEmpty();
    }

    @Test
    void aJarWithAnAdapterIsNotIdle() throws Exception {
        jar(MODULE, ADAPTER);

        assertThat(ChainAdapterJars.idle(jars())).isEmpty();
    }

    /** The folder {@code target} of the module that makes the jar. */
    @Test
    void whatTheJarIsMadeOfMayLieBesideIt() throws Exception {
        jar(MODULE, ADAPTER);
        Path classes = Files.createDirectory(jars().resolve("classes"));
        Files.copy(root.resolve("classes/module-info.class"), classes.resolve("module-info.class"));

        assertThat(ChainAdapterJars.load(Optional.of(jars())).named("weave")).isPresent();
        assertThat(ChainAdapterJars.idle(jars())).isEmpty();
    }

    @Test
    void anEmptyDirectoryChangesNothing() throws Exception {
        Files.createDirectories(jars());

        assertThat(ChainAdapterJars.load(Optional.of(jars())).all())
                .hasSameSizeAs(ChainAdapterJars.load(Optional.empty()).all());
    }

    @Test
    void aModuleThatRequiresWhatIsNotThereIsNamed() throws Exception {
        jar(
                MODULE.replace("requires dev.meshcni.api;", "requires dev.meshcni.api; requires static java.desktop;"),
                ADAPTER);
        Files.writeString(jars().resolve("broken.jar"), "this is no jar");

        assertThatThrownBy(() -> ChainAdapterJars.load(Optional.of(jars())))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining(jars().toString())
                .hasMessageContaining("broken.jar");
    }

    @Test
    void anAdapterThatCannotBeMadeIsNamed() throws Exception {
        jar(MODULE, ADAPTER.replace("public String name", """
                public WeaveAdapter() {
                        throw new IllegalStateException("no weaving today");
                    }

                    public String name"""));

        assertThatThrownBy(() -> ChainAdapterJars.load(Optional.of(jars())))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining("WeaveAdapter");
    }

    @Test
    void aDirectoryThatIsMissingIsNamed() {
        assertThatThrownBy(() -> ChainAdapterJars.load(Optional.of(jars())))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining(jars() + " does not exist");
    }

    private Path jars() {
        return root.resolve("jars");
    }

    private void jar(String module, String adapter) throws IOException {
        Path sources = Files.createDirectories(root.resolve("sources/org/example/weave"));
        Path descriptor = Files.writeString(root.resolve("sources/module-info.java"), module);
        Path source = Files.writeString(sources.resolve("WeaveAdapter.java"), adapter);
        Path classes = root.resolve("classes");
        int exit = ToolProvider.findFirst("javac")
                .orElseThrow()
                .run(
                        System.out,
                        System.err,
                        "--module-path",
                        modulePath(),
                        "-d",
                        classes.toString(),
                        descriptor.toString(),
                        source.toString());
        assertThat(exit).isZero();
        Files.createDirectories(jars());
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(jars().resolve("weave.jar")));
                Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                write(jar, classes.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
    }

    private static void write(JarOutputStream jar, String name, byte[] content) throws IOException {
        jar.putNextEntry(new JarEntry(name));
        jar.write(content);
        jar.closeEntry();
    }

    /** Where the modules of this test's own layer are. */
    private static String modulePath() {
        List<String> names = List.of(
                "dev.meshcni.api",
                "com.fasterxml.jackson.databind",
                "com.fasterxml.jackson.core",
                "com.fasterxml.jackson.annotation");
        return String.join(
                ":",
                names.stream()
                        .flatMap(name ->
                                ChainAdapterJars.class.getModule().getLayer().configuration().findModule(name).stream())
                        .flatMap(module -> module.reference().location().stream())
                        .map(location -> Path.of(location).toString())
                        .toList());
    }
}
