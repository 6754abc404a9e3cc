// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The quick run, of projects that are made here. */
@Slow
class FastLaneTest {
    private static final String CLASS_PATH = System.getProperty("java.class.path");

    private static final String PASSES = """
            @org.junit.jupiter.api.Test
            void ofThisLane() {
                if (Number.ONE != 1 || !"yes".equals(System.getProperty("asked"))) {
                    throw new AssertionError();
                }
            }

            @org.junit.jupiter.api.Test
            @org.junit.jupiter.api.Tag("slow")
            void ofAnother() {
                throw new AssertionError();
            }
            """;

    @TempDir
    private Path project;

    private Path module;

    /** What has ended. */
    private record Run(int status, String output) {}

    @BeforeEach
    void makeAModule() throws IOException {
        module = Files.createDirectories(project.resolve("some-module"));
        Files.createFile(module.resolve("pom.xml"));
        Files.createDirectories(module.resolve("target"));
        Files.writeString(module.resolve(CompiledModule.CLASS_PATH), CLASS_PATH);
        javac(
                "-d",
                classes("classes"),
                source("main/java/module-info", "module some.module {}"),
                source(
                        "main/java/some/module/Number",
                        "package some.module; class Number { static final int ONE = 1; }"));
    }

    @Test
    void testsOfTheLaneRunInTheirModules() throws Exception {
        test("GoodTest", PASSES);

        Run run = run();

        assertThat(run.output()).containsPattern("(?m)^unit +1 +0 +0 +\\d+s$");
        assertThat(run.status()).isZero();
    }

    @Test
    void aTestThatFailsIsShownWithItsTrace() throws Exception {
        test("GoodTest", PASSES);
        test("BadTest", "@org.junit.jupiter.api.Test void fails() { throw new AssertionError(\"not so\"); }");

        Run run = run();

        assertThat(run.output())
                .contains(
                        "some.module.BadTest > fails()\njava.lang.AssertionError: not so\n\tat some.module/some.module.")
                .containsPattern("(?m)^unit +2 +1 +0 +\\d+s$");
        assertThat(run.status()).isEqualTo(1);
    }

    @Test
    void aPropertyThatFailsIsShownWithItsSample() throws Exception {
        test("BadTest", """
                @net.jqwik.api.Property
                boolean holds(@net.jqwik.api.ForAll @net.jqwik.api.constraints.IntRange(min = 7, max = 7) int number) {
                    return false;
                }
                """);

        Run run = run();

        assertThat(run.output()).contains("some.module.BadTest > holds\n").containsPattern("(?s)seed = .*Sample.* 7\n");
        assertThat(run.status()).isEqualTo(1);
    }

    @Test
    void aClassWithoutATestIsNamed() throws Exception {
        test("GoodTest", PASSES);
        test("EmptyTest", "");

        Run run = run();

        assertThat(run.output())
                .contains("not run, or without a test: some.module.EmptyTest\n")
                .containsPattern("(?m)^unit +1 +0 +0 +\\d+s$");
        assertThat(run.status()).isEqualTo(1);
    }

    @Test
    void aClassThatEndsItsProcessIsNamed() throws Exception {
        test("FatalTest", "@org.junit.jupiter.api.Test void ends() { Runtime.getRuntime().halt(3); }");

        Run run = run();

        assertThat(run.output())
                .contains("a JVM ended with 3, after:\n", "not run, or without a test: some.module.FatalTest\n");
        assertThat(run.status()).isEqualTo(1);
    }

    @Test
    void noTestIsAFailure() throws Exception {
        Run run = run();

        assertThat(run.output()).containsPattern("(?m)^unit +0 +0 +0 +\\d+s$");
        assertThat(run.status()).isEqualTo(1);
    }

    @Test
    void aModuleThatIsNotCompiledIsNamed() throws Exception {
        test("GoodTest", PASSES);
        Files.delete(module.resolve(CompiledModule.CLASS_PATH));

        Run run = run();

        assertThat(run.output()).contains("some-module has tests, but is not compiled");
        assertThat(run.status()).isEqualTo(1);
    }

    private void test(String name, String body) throws IOException {
        String source =
                source("test/java/some/module/" + name, "package some.module; class " + name + " {" + body + "}");
        javac(
                "-d",
                classes("test-classes"),
                "--class-path",
                CLASS_PATH,
                "--module-path",
                classes("classes"),
                "--patch-module",
                "some.module=" + module.resolve("src/test/java"),
                "--add-reads",
                "some.module=ALL-UNNAMED",
                source);
    }

    private String classes(String directory) {
        return module.resolve("target").resolve(directory).toString();
    }

    private String source(String name, String text) throws IOException {
        Path file = module.resolve("src").resolve(name + ".java");
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text).toString();
    }

    private static void javac(String... arguments) {
        assertThat(ToolProvider.getSystemJavaCompiler().run(null, null, null, arguments))
                .isZero();
    }

    private Run run() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--class-path",
                        CLASS_PATH,
                        FastLane.class.getName(),
                        project.toString(),
                        "root,slow",
                        "-Dasked=yes")
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Run(process.waitFor(), output);
    }
}
