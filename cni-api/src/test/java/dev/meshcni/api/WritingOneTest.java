// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.contract.ChainAdapterContract;
import dev.meshcni.api.spi.ChainAdapter;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The code on the page about writing an adapter compiles, is found as a service, and passes the contract. */
@Slow
class WritingOneTest {
    private static final Path PAGE = Path.of("../docs/adapters/writing-one.md");

    private static final Pattern POM = Pattern.compile("`pom.xml`:\n\n```xml\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path folder;

    private PageCode code;

    @BeforeEach
    void writeTheCodeOfThePage() throws IOException {
        code = new PageCode(PAGE, folder);
        assertThat(code.names())
                .containsExactlyInAnyOrder(
                        "module-info.java",
                        "FlannelChainAdapter.java",
                        "FlannelChainAdapterTest.java",
                        "FabricChainAdapter.java");
    }

    @Test
    void theAdapterIsFoundInAModuleOfItsOwn() throws Exception {
        Path module = folder.resolve("module");
        code.javac(module, "--module-path", PageCode.classes(), "module-info.java", "FlannelChainAdapter.java");
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

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"type":"bridge","fabric":"blue"} | CERTAIN | its bridge belongs to fabric blue
            {"type":"bridge"}                 | NONE    | its first plugin is no bridge with the field fabric
            {"type":"ptp","fabric":"blue"}    | NONE    | its first plugin is no bridge with the field fabric
            """)
    void theSecondAdapterIsRecognisedByItsField(String plugin, Detection.Confidence confidence, String reason)
            throws Exception {
        Path out = folder.resolve("fabric");
        code.javac(out, "--class-path", PageCode.classes(), "FabricChainAdapter.java");
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {out.toUri().toURL()}, getClass().getClassLoader())) {
            ChainAdapter adapter = (ChainAdapter) loader.loadClass("com.example.fabric.FabricChainAdapter")
                    .getConstructor()
                    .newInstance();

            Detection detection = adapter.detect(
                    ConfDirSnapshot.of(
                            folder, Map.of("10-fabric.conflist", "{\"name\":\"n\",\"plugins\":[" + plugin + "]}")),
                    InstallSettings.chainedInto(CniJson.lenientObject("{\"type\":\"istio-cni\"}")));

            assertThat(detection.confidence()).isEqualTo(confidence);
            assertThat(detection.reason()).isEqualTo(reason);
        }
    }

    @Test
    void theBuildIsMadeOfTheVersionsOfThisOne() throws IOException {
        String ours = Files.readString(Path.of("../pom.xml"));
        String api = Files.readString(Path.of("../cni-api/pom.xml"));
        String build = POM.matcher(Files.readString(PAGE))
                .results()
                .findFirst()
                .orElseThrow()
                .group(1);

        assertThat(build)
                .contains("<maven.compiler.release>" + between(api, "<maven.compiler.release>", "<"))
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
        code.javac(out, "--class-path", PageCode.classes(), "FlannelChainAdapter.java", "FlannelChainAdapterTest.java");
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
}
