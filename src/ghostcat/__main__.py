from ghostcat.cli import main

main()
