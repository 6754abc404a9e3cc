package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.contract.ChainAdapterContract;
import dev.meshcni.api.spi.InstallSettings;
import java.io.File;
import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The code on the page about writing an adapter compiles, is found as a service, and passes the contract. */
class WritingOneTest {
    private static final Path PAGE = Path.of("../docs/adapters/writing-one.md");
    private static final Pattern SOURCE = Pattern.compile("`(src/[^`]+)`:\n\n```java\n(.*?)```", Pattern.DOTALL);

    private static final Pattern POM = Pattern.compile("`pom.xml`:\n\n```xml\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path folder;

    private Map<String, Path> sources;

    @BeforeEach
    void writeTheCodeOfThePage() throws IOException {
        sources = new LinkedHashMap<>();
        for (var source : SOURCE.matcher(Files.readString(PAGE)).results().toList()) {
            Path file = folder.resolve(source.group(1));
            Files.createDirectories(file.getParent());
            Files.writeString(file, source.group(2));
            sources.put(file.getFileName().toString(), file);
        }
        assertThat(sources)
                .containsOnlyKeys("module-info.java", "FlannelChainAdapter.java", "FlannelChainAdapterTest.java");
    }

    @Test
    void theAdapterIsFoundInAModuleOfItsOwn() throws Exception {
        Path module = folder.resolve("module");
        javac(module, "--module-path", classes(), "module-info.java", "FlannelChainAdapter.java");
        ModuleLayer boot = ModuleLayer.boot();
        Configuration configuration = boot.configuration()
                .resolveAndBind(ModuleFinder.of(module), ModuleFinder.of(), Set.of("com.example.flannel"));
        ModuleLayer layer =
                boot.defineModulesWithOneLoader(configuration, getClass().getClassLoader());

        ChainAdapters.Choice choice = ChainAdapters.in(layer)
                .choose(
                        ConfDirSnapshot.of(folder, Map.of("10-flannel.conflist", """
                                {"name":"cbr0","plugins":[{"type":"flannel"}]}
                                """)),
                        InstallSettings.chainedInto(CniJson.lenientObject("{\"type\":\"istio-cni\"}")))
                .orElseThrow();

        assertThat(choice.adapter().name()).isEqualTo("flannel");
        assertThat(choice.detection().reason()).isEqualTo("its first plugin is flannel");
    }

    @Test
    void theBuildIsMadeOfTheVersionsOfThisOne() throws IOException {
        String ours = Files.readString(Path.of("../pom.xml"));
        String build = POM.matcher(Files.readString(PAGE))
                .results()
                .findFirst()
                .orElseThrow()
                .group(1);

        assertThat(build)
                .contains("<maven.compiler.release>" + between(ours, "<maven.compiler.release>", "<"))
                .contains("<mesh-cni.version>" + between(ours, "<artifactId>mesh-cni</artifactId>\n  <version>", "<"));
        assertThat(between(build, "<artifactId>junit-jupiter</artifactId>\n      <version>", "<"))
                .isEqualTo(between(ours, "<version.junit>", "<"));
        for (String plugin : List.of("maven-compiler-plugin", "maven-surefire-plugin")) {
            String artifact = "<artifactId>" + plugin + "</artifactId>";
            assertThat(between(build, artifact + "\n        <version>", "<"))
                    .isEqualTo(between(ours, artifact + "\n          <version>", "<"));
        }
    }

    private static String between(String text, String before, String after) {
        assertThat(text).contains(before);
        int start = text.indexOf(before) + before.length();
        return text.substring(start, text.indexOf(after, start));
    }

    @Test
    void theAdapterPassesTheContract() throws Exception {
        Path out = folder.resolve("classes");
        javac(out, "--class-path", classes(), "FlannelChainAdapter.java", "FlannelChainAdapterTest.java");
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {out.toUri().toURL()}, getClass().getClassLoader())) {
            // For the author of an adapter the contract is on the class path; here it is in this module.
            ChainAdapterContract.class
                    .getModule()
                    .addExports(ChainAdapterContract.class.getPackageName(), loader.getUnnamedModule());
            Class<?> test = loader.loadClass("com.example.flannel.FlannelChainAdapterTest");
            List<Method> clauses = Stream.of(ChainAdapterContract.class.getMethods())
                    .filter(method -> method.isAnnotationPresent(Test.class))
                    .toList();
            assertThat(clauses).isNotEmpty();
            for (Method clause : clauses) {
                clause.invoke(test.getConstructor().newInstance());
            }
        }
    }

    private void javac(Path out, String option, String path, String... names) throws Exception {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "javac").toString(), "-d", out.toString()));
        command.addAll(List.of("-proc:none", "-Xlint:all", "-Werror", option, path));
        Stream.of(names).map(sources::get).map(Path::toString).forEach(command::add);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }

    /** This module, its tests, and what both need. */
    private static String classes() {
        return Stream.of("jdk.module.path", "java.class.path")
                .map(System::getProperty)
                .filter(path -> path != null && !path.isEmpty())
                .reduce(
                        "target/classes" + File.pathSeparator + "target/test-classes",
                        (all, path) -> all + File.pathSeparator + path);
    }
}
