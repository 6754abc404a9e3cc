package dev.meshcni.dist;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.attribute.ModuleAttribute;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;

/**
 * Takes one requirement out of one third-party module.
 *
 * <p>JNA requires {@code java.desktop} for the handle of an AWT window, which nothing here asks for; with it the run-time image is
 * 40 MiB larger.
 */
final class DescriptorPatch {
    private static final String MODULE = "com.sun.jna";
    private static final String REQUIREMENT = "java.desktop";

    private DescriptorPatch() {}

    static boolean drops(String module, String requirement) {
        return module.equals(MODULE) && requirement.equals(REQUIREMENT);
    }

    /** Gives the jar to link for {@code module}: {@code jar} itself, or a patched copy of it in {@code directory}. */
    static Path apply(String module, Path jar, Path directory) {
        if (!module.equals(MODULE)) {
            return jar;
        }
        try {
            Files.createDirectories(directory);
            Path copy = directory.resolve(jar.getFileName());
            Files.copy(jar, copy, StandardCopyOption.REPLACE_EXISTING);
            try (FileSystem content = FileSystems.newFileSystem(copy)) {
                Path descriptor = descriptor(content);
                Files.write(descriptor, withoutRequirement(Files.readAllBytes(descriptor)));
            }
            return copy;
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot patch " + jar, e);
        }
    }

    private static Path descriptor(FileSystem content) throws IOException {
        try (Stream<Path> files = Files.walk(content.getPath("/"))) {
            return files.filter(file -> file.endsWith("module-info.class"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static byte[] withoutRequirement(byte[] descriptor) {
        ClassFile classFile = ClassFile.of();
        ClassModel model = classFile.parse(descriptor);
        return classFile.transformClass(model, ClassTransform.ofStateful(() -> (builder, element) -> {
            if (element instanceof ModuleAttribute module) {
                builder.with(ModuleAttribute.of(module.moduleName(), patched -> {
                    patched.moduleFlags(module.moduleFlagsMask());
                    module.moduleVersion().ifPresent(version -> patched.moduleVersion(version.stringValue()));
                    module.requires().stream()
                            .filter(requires -> !requires.requires().name().equalsString(REQUIREMENT))
                            .forEach(patched::requires);
                    module.exports().forEach(patched::exports);
                    module.opens().forEach(patched::opens);
                    module.uses().forEach(patched::uses);
                    module.provides().forEach(patched::provides);
                }));
            } else {
                builder.with(element);
            }
        }));
    }
}
