// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.ModuleAttribute;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;

/**
 * JNA as it is linked into the run-time image.
 *
 * <p>Its jar requires {@code java.desktop}, for the handle of an AWT window, which nothing here asks for and which
 * makes the image 40 MiB larger; and it holds its native library for two dozen platforms, to be unpacked into a
 * temporary directory at run time. Linked is a copy without either; the one native library goes to {@code runtime/lib}.
 */
final class JnaModule {
    static final String NAME = "com.sun.jna";
    static final String NATIVE_LIBRARY = "libjnidispatch.so";

    private static final String DROPPED_REQUIREMENT = "java.desktop";
    private static final String NATIVE_DIRECTORY = "/com/sun/jna/linux-";

    private JnaModule() {}

    /** Whether {@code module} says that it requires {@code requirement}, and is linked without it. */
    static boolean drops(String module, String requirement) {
        return module.equals(NAME) && requirement.equals(DROPPED_REQUIREMENT);
    }

    /** Writes the jar to link to {@code linked}, and the native library to {@code nativeLibrary}. */
    static void prepare(Path jar, Path linked, Path nativeLibrary) throws IOException {
        Files.copy(jar, linked, StandardCopyOption.REPLACE_EXISTING);
        try (FileSystem content = FileSystems.newFileSystem(linked)) {
            Path root = content.getPath("/");
            Files.copy(
                    root.resolve(NATIVE_DIRECTORY + architecture()).resolve(NATIVE_LIBRARY),
                    nativeLibrary,
                    StandardCopyOption.REPLACE_EXISTING);
            for (Path file : filesBelow(root)) {
                String name = file.getFileName().toString();
                if (name.equals("module-info.class")) {
                    Files.write(file, withoutRequirement(Files.readAllBytes(file)));
                } else if (!name.endsWith(".class") && file.startsWith("/com/sun/jna")) {
                    Files.delete(file);
                }
            }
        }
    }

    private static String architecture() {
        String architecture = System.getProperty("os.arch");
        return architecture.equals("amd64") ? "x86-64" : architecture;
    }

    private static Iterable<Path> filesBelow(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    private static byte[] withoutRequirement(byte[] descriptor) {
        ClassFile classFile = ClassFile.of();
        return classFile.transformClass(classFile.parse(descriptor), (builder, element) -> {
            if (element instanceof ModuleAttribute module) {
                builder.with(without(module));
            } else {
                builder.with(element);
            }
        });
    }

    private static ModuleAttribute without(ModuleAttribute module) {
        return ModuleAttribute.of(module.moduleName(), patched -> {
            patched.moduleFlags(module.moduleFlagsMask());
            module.moduleVersion().ifPresent(version -> patched.moduleVersion(version.stringValue()));
            module.requires().stream()
                    .filter(requires -> !requires.requires().name().equalsString(DROPPED_REQUIREMENT))
                    .forEach(patched::requires);
            module.exports().forEach(patched::exports);
            module.opens().forEach(patched::opens);
            module.uses().forEach(patched::uses);
            module.provides().forEach(patched::provides);
        });
    }
}
